#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "broker/durable_log.h"
#include "broker/streams/segments.h"

namespace leveret::broker {

/// A run of a stream's messages that was read from the store: all there are of [begin, end), one behind the other from
/// `first` on.
struct StreamPage {
  Position begin = 0;
  Position first = 0;
  Position end = 0;
  std::vector<MessageRef> messages{};  // one that is no message is empty
  std::size_t octets = 0;

  bool covers(Position position) const { return begin <= position && position < end; }
};

/// Where somebody reads a stream.
struct StreamReader {
  Position next = 0;
  std::shared_ptr<const StreamPage> page{};
};

/// The messages of a stream, all of them in the store; offset and position are the same.  Belongs to a StreamQueue.
///
/// In memory are the newest ones, and pages of older ones that somebody reads or has read last:
///
///     begin                                                    tail            committed     end
///      | in the store alone  ..[ page ]....[ page ].............| in memory too    | being written
///
/// Nobody reads beyond `committed`: what has been read cannot be lost in a crash, nor its offset be used again.  Pages
/// are shared by all who read at about the same place, so that many readers cost one read.
class StreamLog {
 public:
  /// What the newest messages may occupy, and as much again the pages.
  static constexpr std::size_t octets_max = 4 * 1024 * 1024;
  /// How much is to be read at once.
  static constexpr storage::ReadLimits page_limits{};

  /// `read_from` has the store read from there; its answer is to come to `take_page`.
  StreamLog(DurableLog& log, QueueId queue, std::function<void(Position)> read_from)
      : log_(log), queue_(queue), read_from_(std::move(read_from)) {}

  /// After a restart, while it is empty: there is [begin, end).
  void restore(Position begin, Position end);

  Position begin() const { return begin_; }
  Position committed() const { return committed_; }
  Position end() const { return tail_begin_ + tail_.size(); }

  void append(MessageRef message, std::uint32_t octets, const ConfirmTicket& ticket);
  /// The store has written something: whether there is more to be read now.
  bool note_written();
  bool is_all_written() const { return committed_ == end(); }
  void drop_before(Position begin);
  /// The stream is deleted: takes back what has not been handed to the store.
  void withdraw();

  /// The message at `reader.next`, or at the first place behind it that holds one: `next` is moved there.  Nothing at
  /// the end, or when it has to be read first.
  const MessageRef* read(StreamReader& reader);
  /// Has the page behind the reader's read as well.
  void read_ahead(const StreamReader& reader);
  /// What the store has answered to a read that has not failed: there is more to be read now.
  void take_page(Position from, const storage::ReadResult& result);
  /// The read from there has failed.
  void forget_request(Position from);

  /// Keeps no more than so many octets of what is written, at either place.
  void forget(std::size_t left_max);
  std::size_t memory() const { return tail_octets_ + pages_octets_; }

 private:
  struct Tail {
    MessageRef message{};
    AppendNumber append = AppendNumber::none;
  };
  struct Request {
    Position from = 0;
    Position committed = 0;  // as of then: what lies before it can be read
  };

  bool is_in_tail(Position position) const { return position >= tail_begin_ && position < committed_; }
  std::shared_ptr<const StreamPage> find_page(Position position);
  void request(Position from);
  void trim_tail(std::size_t left_max);
  void trim_pages(std::size_t left_max);

  DurableLog& log_;
  const QueueId queue_;
  const std::function<void(Position)> read_from_;
  Position begin_ = 0;
  Position committed_ = 0;
  Position tail_begin_ = 0;
  std::deque<Tail> tail_{};
  std::size_t tail_octets_ = 0;
  std::list<std::shared_ptr<const StreamPage>> pages_{};  // the last used first
  std::size_t pages_octets_ = 0;
  std::vector<Request> requests_{};
};

}  // namespace leveret::broker
