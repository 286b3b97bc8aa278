#pragma once
#include <cstddef>

#include "broker/broker_query.h"

/// Where in its series each number stands.
namespace leveret::management::columns {

inline constexpr std::size_t publishes = broker::PublishCounters::fields.size();
inline constexpr std::size_t deliveries = broker::DeliveryCounters::fields.size();
inline constexpr std::size_t disk = broker::DiskCounters::fields.size();

struct Queue {
  static constexpr std::size_t ready = 0;
  static constexpr std::size_t unacknowledged = 1;
  static constexpr std::size_t published = 2;
  static constexpr std::size_t first_delivery = 3;
  static constexpr std::size_t first_disk = first_delivery + deliveries;
  static constexpr std::size_t width = first_disk + disk;
};

struct Channel {
  static constexpr std::size_t first_publish = 0;
  static constexpr std::size_t first_delivery = publishes;
  static constexpr std::size_t width = publishes + deliveries;
};

struct VirtualHost {
  static constexpr std::size_t ready = 0;
  static constexpr std::size_t unacknowledged = 1;
  static constexpr std::size_t first_publish = 2;
  static constexpr std::size_t first_delivery = first_publish + publishes;
  static constexpr std::size_t first_transfer = first_delivery + deliveries;
  static constexpr std::size_t first_disk = first_transfer + broker::TransferCounters::fields.size();
  static constexpr std::size_t width = first_disk + disk;
};

struct Node {
  static constexpr std::size_t memory = 0;
  static constexpr std::size_t open_files = 1;
  static constexpr std::size_t sockets = 2;
  static constexpr std::size_t threads = 3;
  static constexpr std::size_t disk_free = 4;
  static constexpr std::size_t context_switches = 5;
  static constexpr std::size_t octets_read = 6;
  static constexpr std::size_t octets_written = 7;
  static constexpr std::size_t store_writes = 8;
  static constexpr std::size_t store_appends = 9;
  static constexpr std::size_t width = 10;
};

}  // namespace leveret::management::columns
