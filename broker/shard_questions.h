#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "broker/shard.h"

namespace leveret::broker {

/// The replies of all shards to one question, and who waits for them.
template <class Reply, class Handler>
struct Gathering {
  Gathering(Handler waiting, std::size_t shards)
      : handler(std::move(waiting)),
        work(boost::asio::make_work_guard(boost::asio::get_associated_executor(handler))),
        replies(shards),
        missing(shards) {}

  /// On any thread.  The last reply wakes who waits, on its own thread.
  static void take(std::shared_ptr<Gathering> self, std::size_t shard, Reply reply) {
    self->replies[shard] = std::move(reply);
    if (self->missing.fetch_sub(1) > 1) return;
    const auto executor = self->work.get_executor();
    boost::asio::post(executor, [self] { std::move(self->handler)(std::move(self->replies)); });
  }

  Handler handler;
  decltype(boost::asio::make_work_guard(boost::asio::get_associated_executor(std::declval<Handler&>()))) work;
  std::vector<Reply> replies;
  std::atomic<std::size_t> missing;
};

/// Asks every shard, each on its own thread, and answers on the caller's with one reply for each.
template <class Reply>
boost::asio::awaitable<std::vector<Reply>> ask_all(const std::vector<std::unique_ptr<Shard>>& shards,
                                                   std::function<Reply(Shard&)> question) {
  const auto initiate = [&shards](auto handler, std::function<Reply(Shard&)> asked) {
    using Replies = Gathering<Reply, decltype(handler)>;
    const auto replies = std::make_shared<Replies>(std::move(handler), shards.size());
    for (std::size_t i = 0; i < shards.size(); ++i)
      shards[i]->run_here([replies, asked, i, &shard = *shards[i]] { Replies::take(replies, i, asked(shard)); });
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::vector<Reply>)>(
      initiate, boost::asio::use_awaitable, std::move(question));
}

}  // namespace leveret::broker
