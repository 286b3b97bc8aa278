#include <algorithm>

#include "broker/log.h"
#include "broker/queue.h"
#include "broker/shard.h"

/// Queue's part for a backlog: what is stored, leaves memory and is read back, and what a restart finds.
namespace leveret::broker {
namespace {

/// What a queue that is paged out keeps at hand for its next consumer, unless it shares memory with very many others.
constexpr std::size_t kept_octets_max = 16 * 1024;

/// A queue without consumers needs its first messages only to see when they expire; one with consumers reads ahead.
struct ReadAhead {
  storage::ReadLimits limits{};
  std::size_t messages_min = 1;  // with fewer it reads
};

/// What the store reads at a time is at least of this size.
constexpr std::size_t busy_octets_min = 8 * 1024;
constexpr std::size_t busy_messages_min = 256;

/// With so many octets in memory nothing more is read, however few messages they are.
constexpr std::size_t octets_ahead_max = 4 * 1024 * 1024;

std::size_t read_share(Shard& shard) {
  return std::min(shard.queued_memory_share(), shard.read_budget().next());
}

ReadAhead idle_read(Shard& shard) {
  return {.limits = {.messages = 64, .octets = std::min(kept_octets_max, read_share(shard))}};
}

/// Where memory is short, what is in memory has to go first.
ReadAhead busy_read(Shard& shard) {
  const storage::ReadLimits most{};
  const std::size_t octets = std::clamp(read_share(shard), busy_octets_min, most.octets);
  return {.limits = {.messages = most.messages, .octets = octets},
          .messages_min = shard.is_short_of_memory() ? 1 : busy_messages_min * octets / most.octets};
}

/// So many messages have to have come back, and so much time to have passed, before they leave memory again: a few are
/// delivered soon.
constexpr std::size_t returned_min = 256;
constexpr std::chrono::seconds page_out_returned_after{1};

/// Fewer octets of held messages in memory are not worth a look.
constexpr std::size_t held_unloaded_min = 16 * 1024;

/// What the store could not read is asked for again.
constexpr std::chrono::seconds read_again_after{1};

}  // namespace

void Queue::append(Position position, QueuedMessage& queued, const ConfirmTicket& ticket) {
  if (is_stored(*queued.message)) {
    queued.append = shard_.log().append(record_->address.queue, position, queued.message, ticket);
    ++persistent_;
    persistent_octets_ += queued.octets;
    ++counters_.disk.writes;
    return;
  }
  stores_transients_at_once_ = stores_transients_at_once_ && shard_.is_holding_much();
  if (stores_transients_at_once_) store_transient(position, queued);
  shard_.confirm(ticket);
}

void Queue::page_out() {
  if (shard_.is_holding_much()) unload_held();
  if (shard_.is_short_of_memory()) page_out_ready();
}

void Queue::unload_held() {
  if (held_.memory() < unload_held_from_) return;
  bool has_unwritten = false;
  bool has_transients = false;
  held_.unload([&](const QueuedMessage& queued) {
    has_transients |= queued.append == AppendNumber::none;
    has_unwritten |= queued.append != AppendNumber::none && !is_written(queued);
    return is_written(queued);
  });
  unload_held_from_ = held_unloaded_min + 2 * held_.memory();
  if (has_unwritten) page_out_when_written();
  if (has_transients && !std::exchange(stores_transients_at_once_, true)) store_transients();
}

void Queue::page_out_ready() {
  if (!is_quorum()) store_transients();
  bool has_unwritten = false;
  const auto is_readable = [&](const QueuedMessage& queued) {
    has_unwritten |= queued.append != AppendNumber::none && !is_written(queued);
    return is_written(queued);
  };
  // What has never been delivered has not been held by anybody.
  ready_.page_out(kept_octets(), is_readable,
                  [this](std::uint8_t priority) { return lanes_[priority].delivered_before; });

  if (has_unwritten) page_out_when_written();
  if (ready_.returned_count() >= returned_min && page_out_returned_at_ <= shard_.now()) page_out_returned();
}

std::size_t Queue::kept_octets() const {
  return std::min(kept_octets_max, shard_.queued_memory_share() / 2);
}

bool Queue::is_written(const QueuedMessage& queued) const {
  return queued.append != AppendNumber::none && shard_.log().is_written(queued.append);
}

void Queue::page_out_when_written() {
  if (std::exchange(is_awaiting_store_, true)) return;
  shard_.log().when_written([&shard = shard_, id = record_->address.queue] {
    auto* queue = static_cast<Queue*>(shard.find_queue(id));
    if (!queue) return;
    queue->is_awaiting_store_ = false;
    queue->unload_held_from_ = 0;
    shard.note_memory(*queue);
    shard.begin_turn();
  });
  shard_.begin_turn();
}

/// So that they can leave memory, and those behind them.
void Queue::store_transients() {
  bool is_any_stored = false;
  for (unsigned priority = 0; priority < lanes_.size(); ++priority) {
    LaneState& lane = lanes_[priority];
    ready_.for_each_fresh(static_cast<std::uint8_t>(priority), lane.transients_end,
                          [&](Position position, QueuedMessage& queued) {
                            if (queued.append != AppendNumber::none) return;
                            store_transient(position, queued);
                            is_any_stored = true;
                          });
    lane.transients_end = lane.next_position;
  }
  if (is_any_stored) shard_.begin_turn();  // which hands them to the store
}

/// Positions of those that are stored rise.
void Queue::store_transient(Position position, QueuedMessage& queued) {
  queued.append = shard_.log().append_transient(record_->address.queue, position, queued.message);
  queued.is_transient = true;
  ++counters_.disk.writes;
  has_stored_transients_ = true;
  lane_at(position).transients_end = position + 1;
}

/// What somebody holds may come back, and would then stand in the midst of those that are out of memory: only what is
/// behind that leaves.
void Queue::page_out_returned() {
  page_out_returned_at_ = shard_.now() + page_out_returned_after;
  const std::vector<Position> begins = ends_of_held();
  ready_.page_out_returned(
      kept_octets(), [this](const QueuedMessage& queued) { return is_written(queued); },
      [&](std::uint8_t priority) { return begins[priority]; });
  for (LaneState& lane : lanes_) lane.is_read_when_written = true;
}

/// For each priority, behind the last message that is delivered or rests.
std::vector<Position> Queue::ends_of_held() const {
  std::vector<Position> ends(lanes_.size());
  const auto note = [&](Position position, const QueuedMessage&) {
    Position& end = ends[priorities_.at(position)];
    end = std::max(end, position + 1);
  };
  held_.for_each(note);
  delayed_.for_each(note);
  return ends;
}

void Queue::read_back() {
  if (ready_.is_all_in_memory()) return;
  const std::uint8_t highest = ready_.highest();
  for (unsigned i = 0; i <= highest; ++i) {
    const auto priority = static_cast<std::uint8_t>(i);
    const bool is_busy = !consumers_.empty() && priority == highest;
    if (lanes_[i].is_reading_back || lanes_[i].is_unreadable) continue;
    const ReadAhead ahead = is_busy ? busy_read(shard_) : idle_read(shard_);
    if (const auto unloaded = ready_.unloaded_front(priority))
      load(*unloaded, ahead.limits);
    else if (ready_.has_fewer_than(ahead.messages_min, octets_ahead_max, priority))
      read_back(priority, ahead.limits);
  }
}

void Queue::read_back(std::uint8_t priority, const storage::ReadLimits& limits) {
  lanes_[priority].is_reading_back = true;
  const QueueId id = record_->address.queue;
  const auto out = ready_.paged_out(priority);
  shard_.read_budget().begin(limits.octets);
  const auto read = [&shard = shard_, id, out, limits] {
    shard.log().read(id, out.begin, limits, [&shard, id, out, octets = limits.octets](storage::ReadResult result) {
      shard.read_budget().end(octets);
      if (auto* queue = static_cast<Queue*>(shard.find_queue(id)))
        queue->take_back(std::move(result), out.begin, out.end);
    });
  };
  if (!lanes_[priority].is_read_when_written && !shard_.log().is_behind()) return read();
  shard_.log().when_written(read);
  shard_.begin_turn();
}

void Queue::take_back(storage::ReadResult result, Position begin, Position end) {
  const std::uint8_t priority = priorities_.at(begin);
  lanes_[priority].is_reading_back = false;
  const auto paged_out = ready_.paged_out(priority);
  const bool is_wanted = paged_out.messages > 0 && paged_out.begin == begin;  // else purged meanwhile
  if (is_wanted && result.error) note_unreadable(*result.error);
  if (is_wanted && result.error && result.next <= begin) {
    lanes_[priority].is_unreadable = true;
    return read_again_later();
  }
  if (is_wanted) {
    page_in(priority, result);
    // What has left memory since the read began may have been stored too late for it.
    ready_.paged_in(result.is_end ? std::max(result.next, end) : result.next, priority);
    if (ready_.paged_out(priority).messages == 0) lanes_[priority].is_read_when_written = false;
    shard_.note_memory(*this);
    drop_excess();
  }
  answer_waiting_gets();
  go_on();
}

void Queue::page_in(std::uint8_t priority, const storage::ReadResult& result) {
  for (const storage::StoredMessage& stored : result.messages) {
    MessageRef message = Message::from_stored(stored.content);
    if (!message) continue;
    note_expiration(stored.position, *message);
    ++counters_.disk.reads;
    ready_.page_in(stored.position, priority, recovered(stored, std::move(message)));
  }
}

void Queue::load(Position begin, const storage::ReadLimits& limits) {
  lane_at(begin).is_reading_back = true;
  const QueueId id = record_->address.queue;
  shard_.read_budget().begin(limits.octets);
  shard_.log().read(id, begin, limits, [&shard = shard_, id, begin, limits](const storage::ReadResult& result) {
    shard.read_budget().end(limits.octets);
    if (auto* queue = static_cast<Queue*>(shard.find_queue(id))) queue->take_contents(result, begin);
  });
}

/// Of those that are missing only the first is known to have been in the store when the read began: it is lost.
void Queue::take_contents(const storage::ReadResult& result, Position begin) {
  const std::uint8_t priority = priorities_.at(begin);
  lanes_[priority].is_reading_back = false;
  if (result.error) note_unreadable(*result.error);
  if (result.error && result.next <= begin) {
    lanes_[priority].is_unreadable = true;
    return read_again_later();
  }
  for (const storage::StoredMessage& stored : result.messages) {
    MessageRef message = Message::from_stored(stored.content);
    if (!message || !ready_.load(stored.position, priority, message)) continue;
    ++counters_.disk.reads;
    note_expiration(stored.position, *message);
  }
  if (ready_.unloaded_front(priority) == begin) {
    const QueuedMessage lost = ready_.drop_unloaded_front(priority);
    forget_persistent(lost);
  }
  shard_.note_memory(*this);
  drop_excess();
  answer_waiting_gets();
  go_on();
}

void Queue::note_unreadable(const storage::StoreError& error) const {
  log::error("messages cannot be read: queue={} reason=\"{}\"", virtual_host_.in_vhost(record_->name), error.what());
}

/// Nobody knows what could be read, so nothing is given up, and nothing else of the lane delivered meanwhile.
void Queue::read_again_later() {
  read_again_at_ = shard_.now() + read_again_after;
  plan_to_wake();
}

void Queue::read_again() {
  read_again_at_ = TimePoint::max();
  for (LaneState& lane : lanes_) lane.is_unreadable = false;
  if (unread_dead_letters_) unread_dead_letters_->read();
  go_on();
}

void Queue::answer_waiting_gets() {
  for (auto& [no_ack, answer] : std::exchange(waiting_gets_, {})) get(no_ack, std::move(answer));
}

void Queue::restore(QueueId stored_lane, const storage::QueueState& state) {
  const Position begin = begin_of(lane_of(static_cast<Position>(stored_lane)));
  LaneState& lane = lane_at(begin);
  lane.next_position = std::max(lane.next_position, begin + state.next_position);
  lane.mark = lane.delivered_before = begin + state.delivered_before;
  ready_.restore(priorities_.at(begin), {.begin = begin + state.first_position,
                                         .end = begin + state.next_position,
                                         .messages = state.messages,
                                         .octets = state.body_octets});
  if (state.messages == 0) return;
  persistent_ += state.messages;
  persistent_octets_ += state.body_octets;
  // Whether its first messages have expired, only they can tell.
  next_due_ = WallTime{};
  plan_to_wake();
}

/// One that has been delivered, or may have been when the last life ended, has come back once, if nothing more is known
/// of it.
QueuedMessage Queue::recovered(const storage::StoredMessage& stored, MessageRef message) const {
  const Position delivered_before = lanes_[priorities_.at(stored.position)].delivered_before;
  const bool is_redelivered = stored.redelivered || stored.returns > 0 || stored.position < delivered_before;
  return {.message = std::move(message),
          .append = AppendNumber::recovered,
          .returns = std::max(stored.returns, is_redelivered ? 1u : 0u),
          .is_redelivered = is_redelivered,
          .is_transient = stored.is_transient};
}

}  // namespace leveret::broker
