#include "broker/durable_log.h"

#include <utility>

#include "broker/lane.h"

namespace leveret::broker {
namespace {

std::uint32_t body_octets_of(const Message& message) {
  return static_cast<std::uint32_t>(message.body().size());
}

}  // namespace

DurableLog::DurableLog(storage::Store& store, std::function<void(std::function<void()>)> run_on_shard,
                       std::function<void(const ConfirmTicket&)> confirm)
    : store_(store), run_on_shard_(std::move(run_on_shard)), confirm_(std::move(confirm)) {}

AppendNumber DurableLog::append(QueueId queue, Position position, const MessageRef& message,
                                const ConfirmTicket& ticket) {
  return add({.queue = queue,
              .position = position,
              .message = message,
              .body_octets = body_octets_of(*message),
              .ticket = ticket});
}

AppendNumber DurableLog::append_to_stream(QueueId queue, Position position, const MessageRef& message,
                                          std::uint32_t octets, const ConfirmTicket& ticket) {
  return add({.queue = queue, .position = position, .message = message, .body_octets = octets, .ticket = ticket});
}

AppendNumber DurableLog::append_transient(QueueId queue, Position position, const MessageRef& message) {
  return add({.queue = queue,
              .position = position,
              .message = message,
              .body_octets = body_octets_of(*message),
              .is_transient = true});
}

AppendNumber DurableLog::append_delayed(QueueId queue, const DelayedPlace& place, const MessageRef& message,
                                        const ConfirmTicket& ticket) {
  return add({.queue = queue,
              .position = place.position,
              .message = message,
              .body_octets = body_octets_of(*message),
              .ticket = ticket,
              .due = place.due});
}

AppendNumber DurableLog::append_delayed_transient(QueueId queue, const DelayedPlace& place, const MessageRef& message) {
  return add({.queue = queue,
              .position = place.position,
              .message = message,
              .body_octets = body_octets_of(*message),
              .is_transient = true,
              .due = place.due});
}

AppendNumber DurableLog::add(Append append) {
  gathered_octets_ += append.message->footprint();
  ++live_appends_;
  appends_.push_back(std::move(append));
  return AppendNumber{first_gathered_ + appends_.size() - 1};
}

DurableLog::Append* DurableLog::gathered(AppendNumber append) {
  const auto number = static_cast<std::uint64_t>(append);
  return number < first_gathered_ ? nullptr : &appends_[number - first_gathered_];
}

bool DurableLog::note_delivered(AppendNumber number) {
  Append* append = gathered(number);
  if (append) append->is_delivered = true;
  return append;
}

bool DurableLog::withdraw(AppendNumber number) {
  Append* append = gathered(number);
  if (!append) return false;
  gathered_octets_ -= append->message->footprint();
  append->message.reset();
  --live_appends_;
  confirm_(append->ticket);
  return true;
}

void DurableLog::settle(const storage::Settle& settlement, AppendNumber append) {
  if (withdraw(append)) return;
  storage::Settle stored = settlement;
  stored.queue = stored_lane(settlement.queue, lane_of(settlement.position));
  stored.position = stored_position(settlement.position);
  settlements_.push_back(stored);
}

void DurableLog::count_returns(QueueId queue, Position position, std::uint32_t returns) {
  returns_.push_back({stored_lane(queue, lane_of(position)), stored_position(position), returns});
}

void DurableLog::purge(QueueId queue, Position from, Position before) {
  purges_.push_back(
      {.queue = stored_lane(queue, lane_of(from)), .before = stored_position(before), .from = stored_position(from)});
}

void DurableLog::read(QueueId queue, Position from, storage::ReadLimits limits,
                      std::function<void(storage::ReadResult)> done) {
  const Lane lane = lane_of(from);
  store_.read(stored_lane(queue, lane), stored_position(from), limits,
              [done = on_shard(std::move(done)), lane](storage::ReadResult result) {
                for (storage::StoredMessage& message : result.messages) message.position += begin_of(lane);
                result.next += begin_of(lane);
                done(std::move(result));
              });
}

void DurableLog::read_delayed(QueueId queue, const DelayedPlace& from, storage::ReadLimits limits,
                              std::function<void(storage::ReadResult)> done) {
  store_.read_delayed(queue, from, limits, on_shard(std::move(done)));
}

storage::ReadHandler DurableLog::on_shard(std::function<void(storage::ReadResult)> done) const {
  return [this, done = std::move(done)](storage::ReadResult result) {
    auto shared = std::make_shared<storage::ReadResult>(std::move(result));
    run_on_shard_([done, shared] { done(std::move(*shared)); });
  };
}

void DurableLog::mark_delivered(QueueId queue, Position before) {
  marks_.push_back({stored_lane(queue, lane_of(before)), stored_position(before)});
}

void DurableLog::when_written(std::function<void()> written) {
  waiting_.push_back(std::move(written));
}

std::unique_ptr<storage::Batch> DurableLog::make_batch() {
  auto batch = spare_batch_ ? std::move(spare_batch_) : std::make_unique<storage::Batch>();
  const Message* last = nullptr;
  storage::ContentIndex content{};
  for (Append& append : appends_) {
    if (!append.message) continue;
    // The queues of one message follow each other: it is handed over once for all of them.
    if (&*append.message != last) {
      last = &*append.message;
      const Octets octets = last->stored();
      content = batch->add({octets, append.message.release(),
                            [](void* owner) { MessageRef::adopt(static_cast<Message*>(owner)).reset(); }});
    }
    batch->appends.push_back({.queue = stored_lane(append.queue, lane_of(append.position)),
                              .position = stored_position(append.position),
                              .content = content,
                              .redelivered = append.is_delivered,
                              .is_transient = append.is_transient,
                              .body_octets = append.body_octets,
                              .due = append.due});
    if (append.ticket) writing_tickets_.push_back(append.ticket);
  }
  batch->settlements.swap(settlements_);
  batch->returns.swap(returns_);
  batch->delivered.swap(marks_);
  batch->purges.swap(purges_);
  forget_appends();
  return batch;
}

void DurableLog::forget_appends() {
  first_gathered_ += appends_.size();
  live_appends_ = 0;
  appends_.clear();
}

void DurableLog::hand_over() {
  if (live_appends_ == 0) forget_appends();
  if (is_writing_ || is_empty()) return;
  is_writing_ = true;
  writing_octets_ = std::exchange(gathered_octets_, 0);
  writing_waiting_.swap(waiting_);
  auto gathered_batch = make_batch();
  writing_end_ = first_gathered_;
  store_.commit(std::move(gathered_batch), [this](std::unique_ptr<storage::Batch> batch, storage::StoreStatus status) {
    // A store that ends without having written confirms nothing; what it was handed is released with the batch.
    auto shared = std::make_shared<std::unique_ptr<storage::Batch>>(std::move(batch));
    run_on_shard_([this, shared, status] {
      if (status == storage::StoreStatus::stored) written(std::move(*shared));
    });
  });
}

bool DurableLog::hand_over_awaited() {
  if (is_awaited())
    hand_over();
  else
    forget_appends();
  return !is_writing_ && !settlements_.empty();
}

void DurableLog::written(std::unique_ptr<storage::Batch> batch) {
  batch->clear();
  spare_batch_ = std::move(batch);
  is_writing_ = false;
  first_unwritten_ = writing_end_;
  writing_octets_ = 0;
  for (const ConfirmTicket& ticket : writing_tickets_) confirm_(ticket);
  writing_tickets_.clear();
  for (const auto& waiting : std::exchange(writing_waiting_, {})) waiting();
}

}  // namespace leveret::broker
