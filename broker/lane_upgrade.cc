#include "broker/lane_upgrade.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "broker/message.h"
#include "broker/priorities.h"

namespace leveret::broker {
namespace {

constexpr storage::ReadLimits piece_limits{.messages = 16'384, .octets = 8 << 20};

storage::ReadResult read(storage::Store& store, QueueId queue, Position from) {
  std::promise<storage::ReadResult> answer;
  store.read(queue, from, piece_limits, [&answer](storage::ReadResult result) { answer.set_value(std::move(result)); });
  storage::ReadResult result = answer.get_future().get();
  if (result.error) throw storage::StoreError{*result.error};
  return result;
}

void commit(storage::Store& store, std::unique_ptr<storage::Batch> batch) {
  std::promise<storage::StoreStatus> answer;
  store.commit(std::move(batch), [&answer](std::unique_ptr<storage::Batch> written, storage::StoreStatus status) {
    written.reset();
    answer.set_value(status);
  });
  if (answer.get_future().get() != storage::StoreStatus::stored)
    throw storage::StoreError{"the store has ended before it was upgraded"};
}

/// The row that becomes lanes, and where each of these goes on.
class Move {
 public:
  Move(storage::Store& store, const QueueRecord& queue)
      : store_(store), row_(queue.address.queue), priorities_(priorities_of(queue)) {
    for (const QueueId lane : stored_lanes(queue))
      ends_.push_back({lane, std::max<Position>(1, store.recover_queue(lane).next_position)});
  }

  void run(const storage::QueueState& state) {
    Position from = state.first_position;
    for (bool is_end = state.messages == 0; !is_end;) {
      const storage::ReadResult piece = read(store_, row_, from);
      commit(store_, batch_of(piece, state.delivered_before));
      is_end = piece.is_end;
      from = piece.next;
    }
    store_.drop_queue(row_);
  }

 private:
  struct End {
    QueueId lane{};
    Position position{};
  };

  /// Each message leaves the row in the write in which it enters its lane.
  std::unique_ptr<storage::Batch> batch_of(const storage::ReadResult& piece, Position delivered_before) {
    auto batch = std::make_unique<storage::Batch>();
    for (const storage::StoredMessage& stored : piece.messages) {
      const MessageRef message = Message::from_stored(stored.content);
      if (!message)
        throw storage::StoreError{"the store holds a message that cannot be read; restore the data directory"};
      End& end = ends_[priorities_.of(*message)];
      const auto content = batch->add({stored.content, nullptr, [](void*) {}});  // it lives as long as the piece
      batch->appends.push_back({.queue = end.lane,
                                .position = end.position++,
                                .content = content,
                                .redelivered = stored.redelivered || stored.position < delivered_before,
                                .body_octets = static_cast<std::uint32_t>(message->body().size())});
      if (stored.returns > 0) batch->returns.push_back({end.lane, batch->appends.back().position, stored.returns});
    }
    batch->purges.push_back({.queue = row_, .before = piece.next});
    return batch;
  }

  storage::Store& store_;
  const QueueId row_;
  const Priorities priorities_;
  std::vector<End> ends_{};  // by priority
};

}  // namespace

bool move_into_lanes(storage::Store& store, const QueueRecord& queue) {
  if (!priorities_of(queue).has_lanes) return false;
  const storage::QueueState state = store.recover_queue(queue.address.queue);
  if (state.next_position == 0) return false;
  Move{store, queue}.run(state);
  return true;
}

}  // namespace leveret::broker
