#include "perf/report.h"

#include <array>
#include <cmath>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace leveret::perf {
namespace {

using Seconds = std::chrono::duration<double>;

struct Quantile {
  const char* name;
  double share;
};

constexpr std::array quantiles{Quantile{"p50", 0.5}, Quantile{"p90", 0.9}, Quantile{"p99", 0.99},
                               Quantile{"p99.9", 0.999}};

double microseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

/// Messages a second from the start to the last of them.
double rate(std::uint64_t count, TimePoint started, TimePoint last) {
  const Seconds span = last - started;
  return count == 0 || span.count() <= 0 ? 0 : static_cast<double>(count) / span.count();
}

/// 1234567 as 1,234,567.
std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

/// A time as one reads it: 85 us, 1.25 ms, 3.1 s.
std::string readable(std::chrono::nanoseconds time) {
  const double us = microseconds(time);
  if (us < 1000) return fmt::format("{:.0f} us", us);
  return us < 1e6 ? fmt::format("{:.2f} ms", us / 1e3) : fmt::format("{:.1f} s", us / 1e6);
}

void print_latency(std::ostream& output, const char* name, const LatencyHistogram& latency) {
  if (latency.count() == 0) return;
  fmt::print(output, "{}", name);
  for (const auto& [label, share] : quantiles) fmt::print(output, " {} {},", label, readable(latency.quantile(share)));
  fmt::print(output, " max {}\n", readable(latency.max()));
}

boost::json::object json_of(const LatencyHistogram& latency) {
  boost::json::object object{{"count", latency.count()}};
  for (const auto& [label, share] : quantiles) object[label] = latency.quantile(share).count();
  object["max"] = latency.max().count();
  return object;
}

}  // namespace

void print_progress(std::ostream& output, const Figures& figures, Seconds span, Seconds since_start) {
  const auto a_second = [&](std::uint64_t count) { return grouped(static_cast<double>(count) / span.count()); };
  fmt::print(output, "{:6.1f} s  published {}/s", since_start.count(), a_second(figures.published));
  if (figures.confirmed > 0) fmt::print(output, "  confirmed {}/s", a_second(figures.confirmed));
  if (figures.rejected > 0) fmt::print(output, "  rejected {}/s", a_second(figures.rejected));
  fmt::print(output, "  received {}/s", a_second(figures.received));
  if (figures.delivery.count() > 0)
    fmt::print(output, "  latency p50 {}, p99 {}", readable(figures.delivery.quantile(0.5)),
               readable(figures.delivery.quantile(0.99)));
  output << std::endl;
}

void print_report(std::ostream& output, const Result& result) {
  const Figures& figures = result.figures;
  const auto line = [&](const char* name, std::uint64_t count, TimePoint last) {
    fmt::print(output, "{} {}, {}/s\n", name, grouped(static_cast<double>(count)),
               grouped(rate(count, result.started, last)));
  };
  line("published", figures.published, figures.last_published);
  if (figures.confirmed > 0) fmt::print(output, "confirmed {}\n", grouped(static_cast<double>(figures.confirmed)));
  if (figures.rejected > 0) fmt::print(output, "rejected {}\n", grouped(static_cast<double>(figures.rejected)));
  if (figures.received > 0) line("received", figures.received, figures.last_received);
  print_latency(output, "publish to delivery:", figures.delivery);
  print_latency(output, "publish to confirm:", figures.confirmation);
  if (result.missing > 0)
    fmt::print(output, "missing {} (published and not received)\n", grouped(static_cast<double>(result.missing)));
}

void print_json(std::ostream& output, const Options& options, const Result& result) {
  const Figures& figures = result.figures;
  const boost::json::object report{
      {"producers", options.producers},
      {"consumers", options.consumers},
      {"queues", options.queues},
      {"size", options.size},
      {"persistent", options.persistent},
      {"confirm", options.confirm},
      {"published", figures.published},
      {"confirmed", figures.confirmed},
      {"rejected", figures.rejected},
      {"received", figures.received},
      {"missing", result.missing},
      {"published_rate", std::llround(rate(figures.published, result.started, figures.last_published))},
      {"received_rate", std::llround(rate(figures.received, result.started, figures.last_received))},
      {"delivery_latency_ns", json_of(figures.delivery)},
      {"confirm_latency_ns", json_of(figures.confirmation)}};
  output << boost::json::serialize(report) << '\n';
}

}  // namespace leveret::perf
