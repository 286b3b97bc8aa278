#include "perf/consumer.h"

#include <cstring>

namespace leveret::perf {

namespace basic = protocol::basic;

Consumer::Consumer(boost::asio::io_context& context, const Options& options, std::string queue, Figures& figures)
    : connection_(context, options.broker),
      figures_(figures),
      queue_(std::move(queue)),
      auto_ack_(options.auto_ack),
      ack_each_(options.ack_each),
      has_times_(options.size >= sizeof(std::int64_t)) {
  connection_.call<basic::QosOk>(basic::Qos{.prefetch_count = options.prefetch});
}

void Consumer::start() {
  connection_.send(basic::Consume{.queue = queue_, .no_ack = auto_ack_, .nowait = true});
  connection_.start(*this);
  connection_.flush();
}

void Consumer::delivered(protocol::DeliveryTag tag, protocol::Octets beginning) {
  if (now_ == TimePoint{}) now_ = Clock::now();
  ++figures_.received;
  figures_.last_received = now_;
  if (has_times_ && beginning.size() >= sizeof(std::int64_t)) {
    std::int64_t nanoseconds = 0;
    std::memcpy(&nanoseconds, beginning.data(), sizeof(nanoseconds));
    figures_.delivery.record(now_ - TimePoint{std::chrono::nanoseconds{nanoseconds}});
  }
  if (ack_each_) connection_.send(basic::Ack{.delivery_tag = tag});
  if (!auto_ack_ && !ack_each_) unacknowledged_ = tag;
}

void Consumer::input_handled() {
  if (unacknowledged_ != protocol::DeliveryTag{})
    connection_.send(basic::Ack{.delivery_tag = unacknowledged_, .multiple = true});
  unacknowledged_ = {};
  now_ = {};
}

}  // namespace leveret::perf
