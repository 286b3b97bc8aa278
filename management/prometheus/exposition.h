#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker_query.h"

namespace leveret::management::prometheus {

enum class Type { counter, gauge, untyped, histogram };

using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// Metrics as Prometheus reads them, the text format 0.0.4:
///
///     # TYPE rabbitmq_queue_messages gauge
///     # HELP rabbitmq_queue_messages Sum of ready and unacknowledged messages - total queue depth
///     rabbitmq_queue_messages{vhost="/",queue="jobs"} 4
class Exposition {
 public:
  /// All samples of a metric follow before the next one begins.
  void begin(std::string name, Type type, std::string_view help);
  void add(double value, const Labels& labels = {});
  /// Of a histogram: its buckets, sum and count.
  void add(const broker::TimeHistogram& times, Labels labels = {});

  std::string take() { return std::move(text_); }

 private:
  void add(std::string_view suffix, double value, const Labels& labels);

  std::string text_{};
  std::string name_{};
};

}  // namespace leveret::management::prometheus
