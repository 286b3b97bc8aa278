#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::broker {

/// How many messages came by which exchange.  Those of very many exchanges are not all told apart: what comes by
/// another is left out.
class CountsByExchange {
 public:
  struct Row {
    std::string exchange{};
    std::uint64_t messages = 0;
  };

  void count(std::string_view exchange) {
    if (last_ == rows_.size() || rows_[last_].exchange != exchange) last_ = find(exchange);
    if (last_ < rows_.size()) ++rows_[last_].messages;
  }

  const std::vector<Row>& rows() const { return rows_; }

 private:
  static constexpr std::size_t rows_max = 64;

  /// Behind the last one when there is no room for another.
  std::size_t find(std::string_view exchange) {
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (rows_[i].exchange == exchange) return i;
    if (rows_.size() == rows_max) return rows_max;
    rows_.push_back({.exchange = std::string{exchange}});
    return rows_.size() - 1;
  }

  std::vector<Row> rows_{};
  std::size_t last_ = 0;
};

}  // namespace leveret::broker
