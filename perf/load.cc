#include "perf/load.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

namespace leveret::perf {

Load::~Load() {
  end();
}

void Load::add_producer(const Options& options, ProducerTask task) {
  producers_.push_back(std::make_unique<Producer>(context_, options, std::move(task), figures_));
}

void Load::add_consumer(const Options& options, std::string queue) {
  consumers_.push_back(std::make_unique<Consumer>(context_, options, std::move(queue), figures_));
}

void Load::start() {
  boost::asio::post(context_, [this] {
    for (const auto& consumer : consumers_) consumer->start();
    for (const auto& producer : producers_) producer->start();
  });
  thread_ = std::thread{[this] { context_.run(); }};
}

std::future<Progress> Load::progress() {
  auto promise = std::make_shared<std::promise<Progress>>();
  auto answer = promise->get_future();
  boost::asio::post(context_, [this, promise] { promise->set_value(take_progress()); });
  return answer;
}

Progress Load::take_progress() {
  Progress progress{
      .figures = std::exchange(figures_, {}),
      .is_done = std::ranges::all_of(producers_, [](const auto& producer) { return producer->is_done(); })};
  for (const auto& producer : producers_)
    if (progress.failure.empty()) progress.failure = producer->failure();
  for (const auto& consumer : consumers_)
    if (progress.failure.empty()) progress.failure = consumer->failure();
  return progress;
}

void Load::stop_publishing() {
  boost::asio::post(context_, [this] {
    for (const auto& producer : producers_) producer->stop();
  });
}

void Load::end() {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] {
    for (const auto& producer : producers_) producer->close();
    for (const auto& consumer : consumers_) consumer->close();
  });
  work_.reset();
  thread_.join();
}

}  // namespace leveret::perf
