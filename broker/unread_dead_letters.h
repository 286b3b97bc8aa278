#pragma once
#include <functional>
#include <map>
#include <memory>

#include "broker/dead_letters.h"
#include "storage/store.h"

namespace leveret::broker {

/// Dead letters of one queue of which the store alone has the content, and those that died behind them: read in the
/// order of their positions, and handed to the shard's `DeadLetters`, also when their queue has been deleted meanwhile.
class UnreadDeadLetters final : public std::enable_shared_from_this<UnreadDeadLetters> {
 public:
  /// `read_later` has `read` called again, as the store cannot read the first one now.
  UnreadDeadLetters(Shard& shard, QueueId queue, std::function<void()> read_later);

  bool empty() const { return letters_.empty(); }
  bool is_in(const VirtualHost& virtual_host) const;
  void add(DeadLetter letter);
  /// Unless a read is under way.
  void read();
  /// The queue is deleted: what can be read still goes its way; `end` is called when nothing is left, perhaps at once.
  void go_on_alone(std::function<void()> end);
  /// Its virtual host is deleted as well: they are let go.
  void give_up();

 private:
  void take(const storage::ReadResult& result, Position begin);
  /// Hands over what has been read, and goes on.
  void hand_over();
  void note_unreadable(const storage::StoreError& error) const;

  Shard& shard_;
  const QueueId queue_;
  std::function<void()> read_later_;
  std::function<void()> end_{};               // once the queue is deleted
  std::map<Position, DeadLetter> letters_{};  // for the first of them to be read
  bool is_reading_ = false;
};

}  // namespace leveret::broker
