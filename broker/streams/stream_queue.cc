#include "broker/streams/stream_queue.h"

#include <algorithm>
#include <limits>

#include "broker/check.h"
#include "broker/log.h"
#include "broker/mail_session.h"
#include "broker/shard.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

/// RabbitMQ's.
constexpr std::uint64_t segment_octets_max_default = 500'000'000;
/// Ages are looked at when a segment is closed, and this often besides.
constexpr std::chrono::hours retention_interval{1};

MessageRef with_offset(const Message& message, Position offset) {
  const std::string properties =
      protocol::with_header(message.properties(), "x-stream-offset", static_cast<std::int64_t>(offset));
  MessageBuilder builder;
  builder.begin({message.exchange(), message.routing_key(), message.arrival()}, protocol::as_octets(properties),
                message.body().size());
  builder.append(message.body());
  return builder.finish();
}

}  // namespace

StreamQueue::StreamQueue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record)
    : AnyQueue(shard, virtual_host, std::move(record)),
      log_(shard.log(), record_->address.queue, [this](Position from) { read_from(from); }) {}

void StreamQueue::restore(const storage::QueueState& state, std::vector<StreamSegment> segments) {
  const QueueId id = record_->address.queue;
  // Nothing is left out between its messages.
  const Position begin = state.next_position - std::min<Position>(state.messages, state.next_position);
  segments_.restore(
      {.begin = begin, .end = state.next_position, .octets = state.body_octets, .last_arrival = shard_.wall_now()},
      segments);
  for (const StreamSegment& segment : segments)
    if (std::ranges::find(segments_.closed(), segment) == segments_.closed().end())
      virtual_host_.erase_segment(id, segment);
  log_.restore(begin, state.next_position);
  if (begin < segments_.begin()) log_.drop_before(segments_.begin());
  retain();
}

// --- publishers

void StreamQueue::enqueue(MessageRef message, const ConfirmTicket& ticket) {
  const auto segment_octets_max = settings_.segment_bytes_max.value_or(segment_octets_max_default);
  const StreamSegment& active = segments_.active();
  if (active.begin < active.end && active.octets >= segment_octets_max) close_segment();
  count_published(*message);
  append(with_offset(*message, log_.end()), ticket);
  wait_until_written();
}

void StreamQueue::append(MessageRef message, const ConfirmTicket& ticket) {
  const auto octets = static_cast<std::uint32_t>(message->stored().size());
  segments_.append(octets, message->arrival());
  log_.append(std::move(message), octets, ticket);
  shard_.note_memory(*this);
}

void StreamQueue::wait_until_written() {
  if (std::exchange(is_waiting_for_store_, true)) return;
  shard_.log().when_written([&shard = shard_, id = record_->address.queue] {
    if (auto* stream = static_cast<StreamQueue*>(shard.find_queue(id))) stream->written();
  });
}

void StreamQueue::written() {
  is_waiting_for_store_ = false;
  if (log_.note_written()) deliver_to_all();
  if (!log_.is_all_written()) wait_until_written();
  log_.forget(StreamLog::octets_max);
  shard_.note_memory(*this);
}

// --- consumers

StreamQueue::StreamConsumer* StreamQueue::find(ConsumerId id) {
  const auto found = consumers_.find(id);
  return found == consumers_.end() ? nullptr : found->second.get();
}

void StreamQueue::add_consumer(std::unique_ptr<Consumer> consumer) {
  const ConsumerId id = consumer->request.id;
  check(consumer->request.subscription != nullptr, "a consumer of a stream says where it begins");
  const StreamOffset start = consumer->request.subscription->start;
  auto added = std::make_unique<StreamConsumer>(StreamConsumer{.consumer = std::move(consumer)});
  begin_at(*added, start);
  deliver(*consumers_.emplace(id, std::move(added)).first->second);
}

void StreamQueue::begin_at(StreamConsumer& consumer, const StreamOffset& start) {
  switch (start.from) {
    case StreamOffset::From::first:
      break;
    case StreamOffset::From::last:
      consumer.reader.next = log_.end() - std::min<Position>(log_.end() - log_.begin(), 1);
      break;
    case StreamOffset::From::next:
      consumer.reader.next = log_.end();
      break;
    case StreamOffset::From::position:
      consumer.reader.next = start.position;
      break;
    case StreamOffset::From::time: {
      const auto [low, high] = segments_.find(start.time);
      consumer.search = {.low = low, .high = std::max(low, std::min(high, log_.committed())), .time = start.time};
      break;
    }
  }
}

/// Halves what is left, reading on its way what is not in memory.  False until it has been read.
bool StreamQueue::find_start(StreamConsumer& consumer) {
  auto& search = *consumer.search;
  while (search.low < search.high) {
    const Position middle = search.low + (search.high - search.low) / 2;
    consumer.reader.next = middle;
    const MessageRef* message = log_.read(consumer.reader);
    if (!message && consumer.reader.next < search.high) return false;
    if (message && consumer.reader.next < search.high && (*message)->arrival() < search.time)
      search.low = consumer.reader.next + 1;
    else
      search.high = middle;
  }
  consumer.reader.next = search.low;
  consumer.search.reset();
  return true;
}

void StreamQueue::deliver(StreamConsumer& reading) {
  Consumer& consumer = *reading.consumer;
  if (!consumer.has_credit() || (reading.search && !find_start(reading))) return;
  const auto& filter = consumer.request.subscription->filter;
  while (consumer.has_credit()) {
    const MessageRef* message = log_.read(reading.reader);
    if (!message) break;
    if (!filter || filter->matches(**message)) {
      Delivery delivery{.consumer = consumer.request.id,
                        .queue = record_->address,
                        .position = reading.reader.next,
                        .message = *message};
      if (!consumer.session->deliver(delivery)) {
        consumer.is_blocked = true;
        break;
      }
      ++consumer.unacknowledged;
      ++counters_.deliveries.delivered;
    }
    ++reading.reader.next;
  }
  log_.read_ahead(reading.reader);
}

void StreamQueue::deliver_to_all() {
  for (auto& [id, consumer] : consumers_) deliver(*consumer);
}

void StreamQueue::read_from(Position from) {
  const QueueId id = record_->address.queue;
  shard_.log().read(id, from, StreamLog::page_limits, [&shard = shard_, id, from](storage::ReadResult result) {
    if (auto* stream = static_cast<StreamQueue*>(shard.find_queue(id))) stream->take_page(from, result);
  });
}

void StreamQueue::take_page(Position from, const storage::ReadResult& result) {
  if (result.error) {
    log::error("stream cannot be read: queue={} offset={} reason=\"{}\"", virtual_host_.in_vhost(record_->name), from,
               result.error->what());
    log_.forget_request(from);
    cancel_readers(from, std::max(result.next, from + 1));
  } else {
    log_.take_page(from, result);
    shard_.note_memory(*this);
  }
  deliver_to_all();
}

/// One without credit finds out when it has some.
void StreamQueue::cancel_readers(Position begin, Position end) {
  std::vector<ConsumerId> cancelled;
  for (const auto& [id, reading] : consumers_)
    if (reading->consumer->has_credit() && reading->reader.next >= begin && reading->reader.next < end)
      cancelled.push_back(id);
  for (const ConsumerId id : cancelled) {
    const auto reading = std::move(consumers_.at(id));
    consumers_.erase(id);
    reading->consumer->session->consumer_cancelled(id);
  }
}

void StreamQueue::remove_consumer(ConsumerId id) {
  consumers_.erase(id);
}

void StreamQueue::unblock(ConsumerId id) {
  StreamConsumer* reading = find(id);
  if (!reading) return;
  reading->consumer->is_blocked = false;
  deliver(*reading);
}

void StreamQueue::open_window(ConsumerId id, std::size_t octets) {
  StreamConsumer* reading = find(id);
  if (!reading) return;
  static_cast<MailSession&>(*reading->consumer->owned_session).open_window(octets);
  unblock(id);
}

void StreamQueue::settle(Position, ConsumerId id, Settlement settlement) {
  StreamConsumer* reading = find(id);
  if (!reading) return;
  --reading->consumer->unacknowledged;
  counters_.deliveries.acknowledged += settlement == Settlement::acknowledge;
  deliver(*reading);
}

void StreamQueue::get(bool, GetAnswer) {
  check(false, "nothing is got from a stream");
}

// --- administrators

QueueCounts StreamQueue::counts() const {
  const auto messages = std::min<Position>(log_.end() - log_.begin(), std::numeric_limits<std::uint32_t>::max());
  return {.messages = static_cast<std::uint32_t>(messages), .consumers = static_cast<std::uint32_t>(consumers_.size())};
}

/// What consumers have not acknowledged is in the log all the same.
QueueNumbers StreamQueue::numbers() const {
  const std::uint64_t messages = log_.end() - log_.begin();
  return {.ready = messages,
          .consumers = consumers_.size(),
          .octets_ready = segments_.octets(),
          .paged_out = messages,
          .octets_paged_out = segments_.octets()};
}

std::uint32_t StreamQueue::purge() {
  check(false, "a stream is not purged");
  return 0;
}

void StreamQueue::close() {
  log_.withdraw();
  virtual_host_.drop_messages(*record_);
  for (const StreamSegment& segment : segments_.closed()) virtual_host_.erase_segment(record_->address.queue, segment);
  for (const auto& [id, reading] : consumers_) reading->consumer->session->consumer_cancelled(id);
}

// --- retention

StreamRetention StreamQueue::retention() const {
  return {.octets_max = settings_.max_length_bytes, .age_max = settings_.max_age};
}

void StreamQueue::apply(const QueueSettings& settings) {
  settings_ = settings;
  wake();
}

void StreamQueue::wake() {
  retain();
  if (settings_.max_age) shard_.wake_queue_at(record_->address.queue, shard_.now() + retention_interval);
}

void StreamQueue::close_segment() {
  virtual_host_.put_segment(record_->address.queue, segments_.close_active());
  retain();
}

void StreamQueue::retain() {
  const std::vector<StreamSegment> gone = segments_.retain(retention(), shard_.wall_now());
  if (gone.empty()) return;
  for (const StreamSegment& segment : gone) virtual_host_.erase_segment(record_->address.queue, segment);
  log_.drop_before(gone.back().end);
}

}  // namespace leveret::broker
