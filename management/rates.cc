#include "management/rates.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace leveret::management {
namespace {

/// Columns of `DeliveryCounters` that make up deliver_get: those of deliveries and of gets, which come first.
constexpr std::size_t deliveries_and_gets = 4;

Line sum_of(std::span<const Series* const> series, std::size_t first, std::size_t count) {
  Line line;
  for (const Series* one : series)
    for (std::size_t i = 0; i < count; ++i) line.add(one, first + i);
  return line;
}

}  // namespace

SampleTime now_for_samples() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void put_with_details(json::object& object, std::string_view name, std::uint64_t value, const Line& line,
                      const std::optional<SampleRange>& range) {
  object[name] = value;
  object[std::string{name} + "_details"] = line.details(range, now_for_samples());
}

void MessageStats::add_deliveries(const broker::DeliveryCounters& counters, std::span<const Series* const> series,
                                  std::size_t first) {
  if (counters.all() == 0 && counters.gotten_nothing == 0 && counters.acknowledged == 0) return;
  put_counters(members_, counters, series, first, range_);
  put_with_details(members_, "deliver_get", counters.all(), sum_of(series, first, deliveries_and_gets), range_);
}

void MessageStats::add_published(std::uint64_t count, const Series* series, std::size_t column) {
  if (count > 0) put_with_details(members_, "publish", count, Line{series, column}, range_);
}

void MessageStats::put_into(json::object& object) const {
  if (!members_.empty()) object["message_stats"] = members_;
}

void put_idle_since(json::object& object, const Series* series) {
  const auto time = series ? series->unchanged_since() : std::nullopt;
  if (!time) return;
  const auto whole = std::chrono::floor<std::chrono::seconds>(*time);
  object["idle_since"] = fmt::format("{:%FT%T}.{:03}+00:00", whole, (*time - whole).count());
}

void put_transfers(json::object& object, const broker::TransferCounters& transfers, const Series* series,
                   const SampleRanges& ranges) {
  put_counters(object, transfers, {&series, 1}, 0, ranges.octets);
  object.erase("recv_cnt_details");
  object.erase("send_cnt_details");
}

void put_lengths(json::object& object, const broker::QueueNumbers& numbers, std::span<const Series* const> series,
                 LengthColumns columns, const std::optional<SampleRange>& range) {
  Line ready = sum_of(series, columns.ready, 1);
  Line unacknowledged = sum_of(series, columns.unacknowledged, 1);
  Line all = ready;
  for (const Series* one : series) all.add(one, columns.unacknowledged);
  put_with_details(object, "messages", numbers.messages(), all, range);
  put_with_details(object, "messages_ready", numbers.ready, ready, range);
  put_with_details(object, "messages_unacknowledged", numbers.unacknowledged, unacknowledged, range);
}

}  // namespace leveret::management
