#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret::storage {

/// A queue; never used again for another one, not even after a restart.
enum class QueueId : std::uint64_t {};

/// A message's place in its queue.  Rises by arrival; places may stay empty (a transient message takes one too).
using Position = std::uint64_t;

/// When a delayed message is due, in microseconds since 1970; `none` for a message that is not delayed.
enum class DueTime : std::uint64_t { none = 0 };

/// Where a delayed message stands among those of its queue: they are ordered by the time, then by arrival.
struct DelayedPlace {
  DueTime due{};
  Position position{};
  friend auto operator<=>(const DelayedPlace&, const DelayedPlace&) = default;
};

using Octets = std::span<const std::uint8_t>;

/// What keeps a store from working, in one line that says what to change.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A message as the store keeps it: octets that belong to somebody else, who is told when they are no longer needed.
class Content {
 public:
  using Release = void (*)(void* owner);

  /// `octets` stay as they are until `release(owner)` is called, when this object ends.
  Content(Octets octets, void* owner, Release release) noexcept : octets_(octets), owner_(owner), release_(release) {}
  Content(Content&& other) noexcept
      : octets_(other.octets_), owner_(other.owner_), release_(std::exchange(other.release_, nullptr)) {}
  Content& operator=(Content&& other) noexcept {
    std::swap(octets_, other.octets_);
    std::swap(owner_, other.owner_);
    std::swap(release_, other.release_);
    return *this;
  }
  ~Content() {
    if (release_) release_(owner_);
  }

  Octets octets() const { return octets_; }

 private:
  Octets octets_;
  void* owner_;
  Release release_;
};

/// A place in `Batch::contents`.
enum class ContentIndex : std::uint32_t {};

/// A message enters a queue.  The positions of a queue rise from append to append, over all batches.
///
/// A transient message is stored to be out of memory, not to survive: no sync waits for it, and it is forgotten by the
/// next start.  Its position may be lower than that of a stored one which is not transient, as it may be appended long
/// after it arrived; among the transient messages of a queue, positions rise as well.
///
/// A delayed message has a time when it is `due`, and is stored apart from those that are not delayed, in the order of
/// `DelayedPlace`, so that those due first are read first.  Positions of delayed messages may come in any order.
struct Append {
  QueueId queue{};
  Position position{};
  ContentIndex content{};
  bool redelivered = false;  // somebody may have received it before
  bool is_transient = false;
  std::uint32_t body_octets = 0;  // what it adds to `QueueState::body_octets`
  DueTime due = DueTime::none;
};

/// A message has left its queue for good.  One that was never appended, or is settled already, changes nothing; but a
/// delayed one that has been appended is settled once.
struct Settle {
  QueueId queue{};
  Position position{};
  bool is_transient = false;      // these three
  std::uint32_t body_octets = 0;  // as its append said
  DueTime due = DueTime::none;
};

/// A message was delivered and has come back, for the `returns`th time.  One that was never appended, or is settled,
/// changes nothing; a transient one is not counted.
struct ReturnCount {
  QueueId queue{};
  Position position{};
  std::uint32_t returns = 0;
};

/// Everything of a queue before `before` may have been delivered; what is recovered from there counts as redelivered.
/// The last mark counts, be it higher or lower than the one before.
struct DeliveredMark {
  QueueId queue{};
  Position before{};
};

/// All messages from `from` on and before `before` have left the queue, transient ones as well, and none that is
/// delayed.  It costs the same whether they are ten or ten million, as long as nothing or little is left of the queue
/// on one side of them.
struct Purge {
  QueueId queue{};
  Position before{};
  Position from = 0;
};

/// What the turns of one shard made durable.  A position is never used twice, so the order between the lists says
/// nothing, but within `returns`, where the last count of a message holds; a message that is appended and settled in
/// one batch is not kept.
///
/// A message routed to several queues is one content with several appends.  The contents are released where the batch
/// is cleared or destroyed: the store hands it back for that, and never does either itself.
struct Batch {
  std::vector<Content> contents{};
  std::vector<Append> appends{};
  std::vector<Settle> settlements{};
  std::vector<ReturnCount> returns{};
  std::vector<DeliveredMark> delivered{};
  std::vector<Purge> purges{};

  bool is_empty() const {
    return appends.empty() && settlements.empty() && returns.empty() && delivered.empty() && purges.empty() &&
           contents.empty();
  }

  ContentIndex add(Content content) {
    contents.push_back(std::move(content));
    return ContentIndex{static_cast<std::uint32_t>(contents.size() - 1)};
  }

  /// Releases the contents; the vectors keep their memory for the next turns.
  void clear() {
    contents.clear();
    appends.clear();
    settlements.clear();
    returns.clear();
    delivered.clear();
    purges.clear();
  }
};

enum class StoreStatus : std::uint8_t { stored, failed };

using CommitHandler = std::function<void(std::unique_ptr<Batch>, StoreStatus)>;
using DefinitionVisitor = std::function<void(std::string_view key, std::string_view value)>;

/// The body several stored messages have in common; `none` for a message that has its own.
enum class SharedBody : std::uint64_t { none = 0 };

/// A message as it is read.  `content` lives as long as the call, or the `ReadResult`, it is handed over with.
struct StoredMessage {
  Position position{};
  bool redelivered = false;
  bool is_transient = false;
  std::uint32_t returns = 0;  // how often it came back, as far as that was committed
  SharedBody shared_body{};
  Octets content{};
  DueTime due = DueTime::none;
};

using MessageVisitor = std::function<void(const StoredMessage&)>;

/// What a queue left, known without reading its messages.
struct QueueState {
  Position next_position{};               // the first that was never used, neither stored nor marked as delivered
  Position first_position{};              // nothing unsettled is stored before it
  Position delivered_before{};            // what lies before it counts as redelivered
  std::uint64_t messages = 0;             // unsettled
  std::uint64_t body_octets = 0;          // theirs, as their appends said
  std::uint64_t delayed_messages = 0;     // besides: delayed, and unsettled
  std::uint64_t delayed_body_octets = 0;  // theirs
};

/// A read ends where the first of the two is reached, or earlier, at the end of a block.  A message that is larger than
/// `octets` is read alone.
struct ReadLimits {
  std::size_t messages = 1024;
  std::size_t octets = 256 << 10;  // of content
};

/// A piece of a queue's backlog, in order of position.
///
/// Owns its octets, a block of the store at a time, so one message that is kept keeps up to 256 KiB of others: copy
/// what is to stay.  It may outlive the store.
struct ReadResult {
  std::vector<StoredMessage> messages{};
  Position next{};      // where to read on: everything unsettled before it has been read
  DueTime next_due{};   // of delayed messages: with `next` the place where to read on
  bool is_end = false;  // nothing was stored from `next` on

  /// `messages` is empty then.  `next` is behind what cannot be read, or where the read began when that is not known.
  std::optional<StoreError> error{};

  std::vector<std::shared_ptr<const void>> buffers{};  // what the contents point into
};

using ReadHandler = std::function<void(ReadResult)>;

/// What writing has taken since the store was opened.
struct StoreLoad {
  std::uint64_t writes = 0;   // groups of batches, each written and synced together
  std::uint64_t batches = 0;  // in them
  std::uint64_t appends = 0;  // in those
  std::chrono::nanoseconds write_time{};
};

/// What survives a restart.  Takes calls from any thread, except where it says otherwise.
///
/// A life: recover the definitions and the queues; drop the queues that are no longer known; commit batches; close.
/// What one thread hands over is kept in the order of its calls.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Without `close()` the store stops like a killed process: what has not been written is handed back as failed.
  virtual ~Store() = default;

  /// Definitions are opaque here.  They are on disk before any batch that is handed over later.
  virtual void put_definition(std::string key, std::string value) = 0;
  virtual void erase_definition(std::string key) = 0;

  /// Forgets a queue with all its messages, as of this place in the order of calls.
  virtual void drop_queue(QueueId queue) = 0;

  /// Hands over what is to be durable.
  ///
  /// `done` is called once, on a thread of the store (the in-memory store calls it before it returns), when the batch
  /// and all that came before it cannot be lost any more.  While the store cannot write, it waits: it keeps the batch,
  /// raises its alarm and tries again.  `StoreStatus::failed` comes only from a store that ends without having written.
  virtual void commit(std::unique_ptr<Batch> batch, CommitHandler done) = 0;

  /// Reads unsettled messages of a queue, from `from` on.  What was stored before the call is seen, what is settled
  /// while it lasts may be seen or not.
  ///
  /// `done` is called once, on a thread of the store (the in-memory store calls it before it returns); reads of one
  /// queue are answered in any order, so ask for one at a time.  Reading on at `ReadResult::next` costs a look-up of
  /// known keys and one read for each block.  A `redelivered` message is one whose append said so: the delivered mark
  /// is the caller's to compare.  While the store cannot be used the read waits.  Errors: in the result; a block that
  /// is not what was written is never handed out.
  virtual void read(QueueId queue, Position from, ReadLimits limits, ReadHandler done) = 0;

  /// The same for delayed messages, in order of their places.
  virtual void read_delayed(QueueId queue, DelayedPlace from, ReadLimits limits, ReadHandler done) = 0;

  /// Every definition, in order of the keys' octets.  These four are called by one thread, while it is the only one
  /// to call the store, and no batch is under way; a visitor does not call the store.  Errors: StoreError, for what
  /// cannot be read.
  virtual void recover_definitions(const DefinitionVisitor& visit) = 0;
  /// The queues that left something, in no order.
  virtual std::vector<QueueId> stored_queues() = 0;
  /// What is known of a queue without reading its messages.
  virtual QueueState recover_queue(QueueId queue) = 0;
  /// Every unsettled message of the queue besides, in order of position, except those that are delayed.
  virtual QueueState recover_queue(QueueId queue, const MessageVisitor& visit) = 0;

  virtual StoreLoad load() const { return {}; }

  /// Whether the last life ended with `close()`; true for a new store.
  virtual bool stopped_cleanly() const = 0;

  /// Writes everything that was handed over, marks the clean stop and ends.  Nothing may be called afterwards.
  /// Errors: StoreError, when that cannot be written; batches are handed back as failed then, and the stop is no clean
  /// one.
  virtual void close() = 0;
};

}  // namespace leveret::storage
