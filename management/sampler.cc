#include "management/sampler.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace leveret::management {

Sampler::Sampler(boost::asio::io_context& context, broker::BrokerQuery& broker, Statistics& statistics,
                 std::chrono::milliseconds interval)
    : context_(context), broker_(broker), statistics_(statistics), interval_(interval), timer_(context) {}

void Sampler::start() {
  boost::asio::co_spawn(context_, run(), boost::asio::detached);
}

void Sampler::stop() {
  boost::asio::post(context_, [this] {
    is_stopped_ = true;
    timer_.cancel();
  });
}

boost::asio::awaitable<void> Sampler::run() {
  constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
  auto next = std::chrono::steady_clock::now();
  while (!is_stopped_) {
    const broker::TrafficReport report = co_await broker_.traffic();
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    statistics_.take(now, report, process_facts(), broker_.resources());
    next = std::max(next + interval_, std::chrono::steady_clock::now());
    timer_.expires_at(next);
    if (!is_stopped_) co_await timer_.async_wait(as_result);
  }
}

}  // namespace leveret::management
