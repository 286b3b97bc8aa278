#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "perf/address.h"

namespace leveret::perf {

/// A load: who publishes what to which queues, and who takes it.
struct Options {
  Address broker{};

  std::size_t producers = 1;
  std::size_t consumers = 1;
  std::size_t queues = 1;
  std::size_t threads = 1;

  /// The only queue's name; several are NAME-1, NAME-2 ...
  std::string queue = "leveret-perf";
  bool durable = false;
  std::vector<std::pair<std::string, std::string>> queue_arguments{};
  /// Of the exchange through which messages go to their producer's queue, or to all queues where it is "fanout"; the
  /// default exchange when it is empty.
  std::string exchange_type{};
  std::size_t bindings = 0;  // of that exchange, beside those of the queues, to which no message goes
  /// The queues are used as they are, with what is in them, and stay.  Else they are deleted before and after.
  bool keep = false;

  std::size_t size = 1024;  // octets
  bool persistent = false;
  std::size_t confirm = 0;  // unconfirmed messages a producer may have; 0: publishes without confirms
  double rate = 0;          // messages a second, of all producers together; 0: as many as possible

  std::uint16_t prefetch = 1000;
  bool auto_ack = false;
  bool ack_each = false;  // an acknowledgement for each delivery, not one for all that arrived together

  std::uint64_t messages = 0;  // of all producers together; 0: until the time is up
  std::chrono::duration<double> duration{10};

  std::chrono::milliseconds patience{5'000};  // with silence, after the last publish

  bool json = false;
  bool quiet = false;

  bool is_fan_out() const { return exchange_type == "fanout"; }
};

/// The options, or the exit status when there is nothing to do: after --help, or for a wrong line.  `words` are those
/// after `perf`.
struct ParsedOptions {
  std::optional<Options> options{};
  int exit_status = 0;
};

ParsedOptions parse_options(const std::vector<std::string>& words);

/// The queue of that number, from 0.
std::string queue_name(const Options& options, std::size_t number);

}  // namespace leveret::perf
