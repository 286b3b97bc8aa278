#pragma once
#include <span>
#include <string>
#include <string_view>

#include "management/samples.h"
#include "management/statistics.h"

/// Counters and their rates, in RabbitMQ's words.
namespace leveret::management {

SampleTime now_for_samples();

/// Puts "name" and, with its rate and samples, "name_details".
void put_with_details(json::object& object, std::string_view name, std::uint64_t value, const Line& line,
                      const std::optional<SampleRange>& range);

/// Puts each of the counters, as above; `series` have them from column `first` on, and are added up.
template <class Counters>
void put_counters(json::object& object, const Counters& counters, std::span<const Series* const> series,
                  std::size_t first, const std::optional<SampleRange>& range) {
  for (std::size_t i = 0; i < Counters::fields.size(); ++i) {
    const auto& field = Counters::fields[i];
    Line line;
    for (const Series* one : series) line.add(one, first + i);
    put_with_details(object, field.name, counters.*field.member, line, range);
  }
}

/// The member `message_stats`.  RabbitMQ tells of publishes when there were any, and so of deliveries.
class MessageStats {
 public:
  explicit MessageStats(const std::optional<SampleRange>& range) : range_(range) {}

  template <class Counters>
  void add(const Counters& counters, std::span<const Series* const> series, std::size_t first) {
    for (const auto& field : Counters::fields)
      if (counters.*field.member > 0) return put_counters(members_, counters, series, first, range_);
  }
  /// With what was delivered in any way: deliver_get.
  void add_deliveries(const broker::DeliveryCounters& counters, std::span<const Series* const> series,
                      std::size_t first);
  /// How many messages came into a queue.
  void add_published(std::uint64_t count, const Series* series, std::size_t column);

  const json::object& members() const { return members_; }
  /// Unless there is nothing to tell.
  void put_into(json::object& object) const;

 private:
  std::optional<SampleRange> range_;
  json::object members_{};
};

/// Puts `idle_since` for what has done nothing lately.
void put_idle_since(json::object& object, const Series* series);

/// Puts `recv_oct` and `send_oct` with their rates, and how often they were read and written.
void put_transfers(json::object& object, const broker::TransferCounters& transfers, const Series* series,
                   const SampleRanges& ranges);

/// Puts `messages`, `messages_ready` and `messages_unacknowledged`; `series` have them in these columns.
struct LengthColumns {
  std::size_t ready = 0;
  std::size_t unacknowledged = 0;
};
void put_lengths(json::object& object, const broker::QueueNumbers& numbers, std::span<const Series* const> series,
                 LengthColumns columns, const std::optional<SampleRange>& range);

}  // namespace leveret::management
