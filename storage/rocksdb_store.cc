#include "storage/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_set>
#include <utility>

#include "storage/block.h"
#include "storage/committer.h"
#include "storage/keys.h"
#include "storage/ledger.h"
#include "storage/reader_pool.h"

namespace leveret::storage {
namespace {

constexpr std::string_view format_line = "leveret store 1\n";

/// A write batch that grew larger than this gives its memory back.
constexpr std::size_t write_octets_kept_max = 4 << 20;

constexpr std::size_t reader_threads = 2;

/// RocksDB's own log is of no use to an operator: what fails comes back as a status, and from there as a StoreError.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

std::string_view text(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

rocksdb::Options rocksdb_options(rocksdb::Env* env, std::size_t write_buffer_octets, bool may_create) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = may_create;
  options.info_log = std::make_shared<NoLog>();

  // A torn end of the log is what a power loss leaves of writes nobody was told of; everything before it counts.
  // kTolerateCorruptedTailRecords would refuse to open after one whose pages reached the disk out of order.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;

  options.write_buffer_size = write_buffer_octets;
  options.max_write_buffer_number = 3;
  options.arena_block_size = std::min<std::size_t>(write_buffer_octets / 8, 256 << 10);
  options.allow_concurrent_memtable_write = false;  // the committer is the only writer
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;  // sixteen cost more than they gain
  options.compression = rocksdb::kNoCompression;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;  // a store that cannot write is opened anew

  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;  // only recovery reads
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

/// The keys of a kind, or those of one queue, in order.
class KeyRange {
 public:
  KeyRange(rocksdb::DB& db, const Key& first, const Key& end) : end_(end), end_slice_(end_) {
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &end_slice_;
    iterator_.reset(db.NewIterator(options));
    iterator_->Seek(first);
  }
  KeyRange(const KeyRange&) = delete;
  KeyRange& operator=(const KeyRange&) = delete;

  bool is_valid() const { return iterator_->Valid(); }
  void next() { iterator_->Next(); }
  std::string_view key() const { return text(iterator_->key()); }
  std::string_view value() const { return text(iterator_->value()); }
  rocksdb::Status status() const { return iterator_->status(); }

 private:
  Key end_;
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

/// The first key behind all those of a kind, or of a kind's queue.
Key end_of(KeyKind kind) {
  return Key{static_cast<KeyKind>(static_cast<char>(kind) + 1)};
}
Key end_of(KeyKind kind, QueueId queue) {
  return Key{kind, static_cast<std::uint64_t>(queue) + 1};
}

class RocksdbStore final : public Store, private GroupWriter {
 public:
  explicit RocksdbStore(const RocksdbOptions& options);
  ~RocksdbStore() override {
    readers_.reset();
    committer_.reset();
  }

  void put_definition(std::string key, std::string value) override {
    committer_->hand_over(PutDefinition{.key = std::move(key), .value = std::move(value)});
  }
  void erase_definition(std::string key) override { committer_->hand_over(EraseDefinition{.key = std::move(key)}); }
  void drop_queue(QueueId queue) override;
  void commit(std::unique_ptr<Batch> batch, CommitHandler done) override;

  void read(QueueId queue, Position from, ReadLimits limits, ReadHandler done) override {
    readers_->hand_over({.queue = queue, .from = from, .limits = limits, .done = std::move(done)});
  }

  void recover_definitions(const DefinitionVisitor& visit) override;
  std::vector<QueueId> stored_queues() override { return {unrecovered_.begin(), unrecovered_.end()}; }
  QueueState recover_queue(QueueId queue) override;
  QueueState recover_queue(QueueId queue, const MessageVisitor& visit) override;

  bool stopped_cleanly() const override { return stopped_cleanly_; }
  void close() override;

 private:
  struct BodyBlock {
    SharedBody first{};
    std::string value{};
    std::vector<BlockEntry> bodies{};
  };

  ReadResult read(const ReadOrder& order);
  void read_blocks(const ReadOrder& order, ReadResult& result);

  void stage(const Order& order) override;
  std::optional<StoreError> write() override;

  void open();
  bool read_format();
  void write_format();
  void read_clean_mark();
  void list_stored_queues();
  void start_body_numbers();
  std::shared_ptr<BodyBlock> find_body_block(SharedBody body);
  Octets shared_body(SharedBody body, std::shared_ptr<BodyBlock>& last_used);

  std::optional<std::string> get(const Key& key);
  std::string store_path() const { return (directory_ / "store").string(); }
  std::string format_path() const { return store_path() + "/FORMAT"; }
  StoreError error(const rocksdb::Status& status) const;
  StoreError damaged(const std::string& what) const;
  void require(const rocksdb::Status& status) const {
    if (!status.ok()) throw error(status);
  }

  const std::filesystem::path directory_;
  const std::size_t write_buffer_octets_;
  std::shared_ptr<rocksdb::FileSystem> file_system_;
  std::unique_ptr<rocksdb::Env> own_env_{};
  rocksdb::Env* env_;
  bool stopped_cleanly_ = true;

  // These change only during recovery, on the thread that recovers.  A queue that is dropped meanwhile waits for its
  // end: before that nobody knows whether another queue needs the bodies it shares.
  std::unordered_set<QueueId> unrecovered_{};
  std::vector<QueueId> orphans_{};

  std::mutex mutex_;           // guards what follows, while one thread recovers and the committer works already
  std::shared_mutex opening_;  // held alone while the database is opened anew, shared by those who read beside it
  std::unique_ptr<rocksdb::DB> db_{};
  Ledger ledger_{};
  rocksdb::WriteBatch write_{};
  bool is_finished_ = false;  // `write_` has everything that is staged
  bool is_broken_ = false;    // writing failed: the database is opened anew before it is tried again

  std::unique_ptr<Committer> committer_{};
  std::unique_ptr<ReaderPool> readers_{};
};

RocksdbStore::RocksdbStore(const RocksdbOptions& options)
    : directory_(options.directory),
      write_buffer_octets_(options.write_buffer_octets),
      file_system_(options.file_system),
      env_(rocksdb::Env::Default()) {
  if (file_system_) {
    own_env_ = rocksdb::NewCompositeEnv(file_system_);
    env_ = own_env_.get();
  }
  open();
  read_clean_mark();
  list_stored_queues();
  start_body_numbers();
  GroupWriter& writer = *this;
  committer_ = std::make_unique<Committer>(writer, Committer::Options{.on_alarm = options.on_alarm,
                                                                      .on_alarm_cleared = options.on_alarm_cleared,
                                                                      .retry_after_min = options.retry_after_min,
                                                                      .retry_after_max = options.retry_after_max});
  readers_ = std::make_unique<ReaderPool>(reader_threads, [this](const ReadOrder& order) { return read(order); });
}

// ---------------------------------------------------------------------------------------------------------- opening

void RocksdbStore::open() {
  std::error_code failure;
  std::filesystem::create_directories(store_path(), failure);
  if (failure) {
    throw StoreError(fmt::format("cannot make data directory {}: {}", directory_.string(), failure.message()));
  }
  const bool is_new = !read_format();
  rocksdb::DB* opened = nullptr;
  require(rocksdb::DB::Open(rocksdb_options(env_, write_buffer_octets_, is_new), store_path(), &opened));
  db_.reset(opened);
  if (is_new) write_format();
}

/// False when there is none: then nothing was ever stored here.
bool RocksdbStore::read_format() {
  std::string format;
  const auto status = rocksdb::ReadFileToString(env_, format_path(), &format);
  if (status.IsNotFound() || status.IsPathNotFound()) return false;
  require(status);
  if (format == format_line) return true;
  throw StoreError(
      fmt::format("data directory {} has the unknown store format \"{}\" and was left as it is: use the "
                  "version of this broker that wrote it, or another directory",
                  directory_.string(), format.substr(0, std::min(format.find('\n'), std::size_t{60}))));
}

/// The format is written behind the new database, so that one without the other tells what happened.
void RocksdbStore::write_format() {
  const std::unique_ptr<rocksdb::Iterator> any{db_->NewIterator({})};
  any->SeekToFirst();
  require(any->status());
  if (any->Valid()) throw damaged("its file FORMAT is missing");

  const std::string path = format_path();
  require(
      rocksdb::WriteStringToFile(env_, rocksdb::Slice{format_line.data(), format_line.size()}, path + ".new", true));
  require(env_->RenameFile(path + ".new", path));
  std::unique_ptr<rocksdb::Directory> directory;
  require(env_->NewDirectory(store_path(), &directory));
  require(directory->Fsync());
}

void RocksdbStore::read_clean_mark() {
  const Key key{KeyKind::clean};
  const bool is_marked = get(key).has_value();
  stopped_cleanly_ = is_marked || db_->GetLatestSequenceNumber() == 0;
  if (is_marked) write_.Delete(key);  // with the first thing that changes the store
}

void RocksdbStore::list_stored_queues() {
  KeyRange queues{*db_, Key{KeyKind::queue}, end_of(KeyKind::queue)};
  for (; queues.is_valid(); queues.next()) {
    if (queues.key().size() != 9) throw damaged("a queue's key has a wrong size");
    unrecovered_.insert(QueueId{last_number(queues.key())});
  }
  require(queues.status());
}

void RocksdbStore::start_body_numbers() {
  const std::unique_ptr<rocksdb::Iterator> last{db_->NewIterator({})};
  last->SeekForPrev(end_of(KeyKind::body));
  require(last->status());
  if (!last->Valid() || last->key().size() != 9 || last->key()[0] != static_cast<char>(KeyKind::body)) return;
  const auto bodies = decode_block(text(last->key()), text(last->value()));
  if (!bodies || bodies->empty()) throw damaged("shared bodies are not what was written");
  ledger_.bodies().start_at(SharedBody{bodies->back().position + 1});
}

// --------------------------------------------------------------------------------------------------------- recovery

void RocksdbStore::recover_definitions(const DefinitionVisitor& visit) {
  const std::lock_guard lock{mutex_};
  KeyRange definitions{*db_, Key{KeyKind::definition}, end_of(KeyKind::definition)};
  for (; definitions.is_valid(); definitions.next()) visit(definitions.key().substr(1), definitions.value());
  require(definitions.status());
}

QueueState RocksdbStore::recover_queue(QueueId queue, const MessageVisitor& visit) {
  if (!unrecovered_.contains(queue)) return {};
  const std::lock_guard lock{mutex_};
  QueueLedger& ledger = ledger_.queue(queue);
  const auto name = static_cast<std::uint64_t>(queue);

  const auto head = ledger.restore(get(Key{KeyKind::queue, queue}).value_or(""));
  if (!head) throw damaged(fmt::format("the state of queue {} cannot be read", name));
  KeyRange blocks{*db_, Key{KeyKind::messages, queue, *head}, end_of(KeyKind::messages, queue)};
  KeyRange records{*db_, Key{KeyKind::settled, queue, *head}, end_of(KeyKind::settled, queue)};
  std::shared_ptr<BodyBlock> bodies;
  for (; blocks.is_valid(); blocks.next()) {
    const auto entries = decode_block(blocks.key(), blocks.value());
    if (!entries || entries->empty() || blocks.key().size() != 17) {
      throw damaged(fmt::format("messages of queue {} are not what was written", name));
    }
    while (records.is_valid() && records.key().substr(1) < blocks.key().substr(1)) records.next();
    const bool has_record = records.is_valid() && records.key().substr(1) == blocks.key().substr(1);
    const std::string_view record = has_record ? records.value() : std::string_view{};
    for (const auto& entry : *entries) {
      if (entry.shared_body == SharedBody::none || is_settled(record, entry.position - entries->front().position)) {
        continue;
      }
      shared_body(entry.shared_body, bodies);
      if (ledger_.bodies().block_of(entry.shared_body) == SharedBody::none) {
        ledger_.bodies().add_block(bodies->first, bodies->bodies.size());
      }
    }
    if (!ledger.add_block(*entries, record, ledger_.bodies())) {
      throw damaged(fmt::format("what is settled of queue {} cannot be read", name));
    }
    for (const auto& entry : *entries) {
      if (!ledger.is_unsettled(entry.position)) continue;
      const bool is_shared = entry.shared_body != SharedBody::none;
      visit({.position = entry.position,
             .redelivered = entry.redelivered || entry.position < ledger.delivered_before(),
             .shared_body = entry.shared_body,
             .content = is_shared ? shared_body(entry.shared_body, bodies) : entry.content});
    }
  }
  require(blocks.status());
  require(records.status());
  unrecovered_.erase(queue);
  if (unrecovered_.empty()) {
    for (const QueueId orphan : std::exchange(orphans_, {})) committer_->hand_over(DropQueue{.queue = orphan});
  }
  return {.next_position = ledger.next(), .first_position = *head, .delivered_before = ledger.delivered_before()};
}

QueueState RocksdbStore::recover_queue(QueueId queue) {
  std::uint64_t messages = 0;
  auto state = recover_queue(queue, [&messages](const StoredMessage&) { ++messages; });
  state.messages = messages;
  return state;
}

std::shared_ptr<RocksdbStore::BodyBlock> RocksdbStore::find_body_block(SharedBody body) {
  const auto number = static_cast<std::uint64_t>(body);
  const std::unique_ptr<rocksdb::Iterator> found{db_->NewIterator({})};
  found->SeekForPrev(Key{KeyKind::body, number});
  require(found->status());
  auto block = std::make_shared<BodyBlock>();
  const bool is_found = found->Valid() && found->key()[0] == static_cast<char>(KeyKind::body);
  if (is_found) block->value = found->value().ToString();
  auto bodies = decode_block(is_found ? text(found->key()) : std::string_view{}, block->value);
  if (!bodies) throw damaged(fmt::format("shared body {} is not what was written", number));
  block->bodies = std::move(*bodies);
  block->first = SharedBody{last_number(found->key())};
  if (number - static_cast<std::uint64_t>(block->first) >= block->bodies.size()) {
    throw damaged(fmt::format("shared body {} is missing", number));
  }
  return block;
}

Octets RocksdbStore::shared_body(SharedBody body, std::shared_ptr<BodyBlock>& last_used) {
  const auto is_in_last = [&] {
    return last_used && body >= last_used->first &&
           static_cast<std::uint64_t>(body) - static_cast<std::uint64_t>(last_used->first) < last_used->bodies.size();
  };
  if (!is_in_last()) last_used = find_body_block(body);
  return last_used->bodies[static_cast<std::uint64_t>(body) - static_cast<std::uint64_t>(last_used->first)].content;
}

// ---------------------------------------------------------------------------------------------------------- reading

ReadResult RocksdbStore::read(const ReadOrder& order) {
  ReadResult result;
  result.next = order.from;
  const std::shared_lock lock{opening_};
  try {
    if (!db_) throw StoreError("the store cannot be used at present");
    read_blocks(order, result);
  } catch (const StoreError& error) {
    if (result.messages.empty()) result.error = error;
  }
  return result;
}

void RocksdbStore::read_blocks(const ReadOrder& order, ReadResult& result) {
  rocksdb::ReadOptions options;
  const Key end = end_of(KeyKind::messages, order.queue);
  const rocksdb::Slice end_slice = end;
  options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> block{db_->NewIterator(options)};
  const Key first{KeyKind::messages, order.queue, order.from};
  block->SeekForPrev(first);
  const bool is_own = block->Valid() && text(block->key()).substr(0, 9) == std::string_view{first}.substr(0, 9);
  if (!is_own) block->Seek(first);

  std::shared_ptr<BodyBlock> bodies;
  std::size_t octets = 0;
  for (; block->Valid(); block->Next()) {
    const Position block_first = last_number(block->key());
    if (octets >= order.limits.octets || result.messages.size() >= order.limits.messages) return;
    const auto value = std::make_shared<const std::string>(block->value().ToString());
    const auto entries = decode_block(text(block->key()), *value);
    if (!entries || entries->empty()) {
      throw damaged(
          fmt::format("messages of queue {} are not what was written", static_cast<std::uint64_t>(order.queue)));
    }
    const auto record = get(Key{KeyKind::settled, order.queue, block_first}).value_or("");
    result.buffers.push_back(value);
    for (const auto& entry : *entries) {
      if (entry.position < result.next || is_settled(record, entry.position - block_first)) continue;
      const bool is_shared = entry.shared_body != SharedBody::none;
      const Octets content = is_shared ? shared_body(entry.shared_body, bodies) : entry.content;
      if (is_shared && (result.buffers.empty() || result.buffers.back() != bodies)) result.buffers.push_back(bodies);
      const bool is_enough =
          result.messages.size() >= order.limits.messages || octets + content.size() > order.limits.octets;
      if (is_enough && !result.messages.empty()) return;
      octets += content.size();
      result.messages.push_back({.position = entry.position,
                                 .redelivered = entry.redelivered,
                                 .shared_body = entry.shared_body,
                                 .content = content});
      result.next = entry.position + 1;
    }
  }
  require(block->status());
  result.is_end = true;
}

// ---------------------------------------------------------------------------------------------------------- writing

void RocksdbStore::drop_queue(QueueId queue) {
  if (unrecovered_.empty()) {
    committer_->hand_over(DropQueue{.queue = queue});
  } else {
    orphans_.push_back(queue);
    recover_queue(queue, [](const StoredMessage&) {});
  }
}

void RocksdbStore::commit(std::unique_ptr<Batch> batch, CommitHandler done) {
  if (!unrecovered_.empty()) throw std::logic_error("a batch is committed before every stored queue is recovered");
  committer_->hand_over(CommitBatch{.batch = std::move(batch), .done = std::move(done)});
}

void RocksdbStore::stage(const Order& order) {
  const std::lock_guard lock{mutex_};
  if (const auto* put = std::get_if<PutDefinition>(&order)) {
    write_.Put(definition_key(put->key), put->value);
  } else if (const auto* erase = std::get_if<EraseDefinition>(&order)) {
    write_.Delete(definition_key(erase->key));
  } else if (const auto* drop = std::get_if<DropQueue>(&order)) {
    ledger_.drop(drop->queue, write_);
  } else {
    ledger_.stage(*std::get<CommitBatch>(order).batch);
  }
}

std::optional<StoreError> RocksdbStore::write() {
  const std::lock_guard lock{mutex_};
  if (!std::exchange(is_finished_, true)) ledger_.finish(write_);
  if (is_broken_) {
    // A failed write or sync leaves it open what has reached the disk.  Opened anew, the database is what a restart
    // would find, and the group, written once more, puts the same values at the same keys.
    const std::unique_lock no_reader{opening_};
    db_.reset();
    try {
      open();
    } catch (const StoreError& failure) {
      return failure;
    }
    is_broken_ = false;
  }
  if (write_.Count() > 0) {
    rocksdb::WriteOptions options;
    options.sync = true;
    const auto status = db_->Write(options, &write_);
    if (!status.ok()) {
      is_broken_ = true;
      return error(status);
    }
  }
  if (write_.GetDataSize() > write_octets_kept_max) {
    write_ = rocksdb::WriteBatch{};
  } else {
    write_.Clear();
  }
  is_finished_ = false;
  return std::nullopt;
}

void RocksdbStore::close() {
  readers_->stop();
  if (const auto failure = committer_->stop(Committer::Ending::when_all_is_written)) throw StoreError(*failure);
  rocksdb::WriteOptions options;
  options.sync = true;
  require(db_->Put(options, Key{KeyKind::clean}, {}));
  // All is safe in the log; as a table it is quicker to start from, so that it does not matter if this fails.
  db_->Flush({}).PermitUncheckedError();
  require(db_->Close());
  db_.reset();
}

// ----------------------------------------------------------------------------------------------------------- helpers

std::optional<std::string> RocksdbStore::get(const Key& key) {
  std::string value;
  const auto status = db_->Get({}, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  require(status);
  return value;
}

StoreError RocksdbStore::error(const rocksdb::Status& status) const {
  std::string reason = status.ToString();
  std::ranges::replace(reason, '\n', ' ');
  const auto lock = reason.find(store_path() + "/LOCK: ");
  if (lock != std::string::npos && (reason.find("unavailable", lock) != std::string::npos ||  // another process
                                    reason.find("No locks", lock) != std::string::npos)) {  // another store of this one
    return StoreError(fmt::format("data directory {} is in use by another broker", directory_.string()));
  }
  if (status.IsCorruption() || status.IsInvalidArgument()) return damaged(reason);
  return StoreError(fmt::format("cannot use data directory {}: {}", directory_.string(), reason));
}

StoreError RocksdbStore::damaged(const std::string& what) const {
  return StoreError(
      fmt::format("the store in {} is damaged: {}; restore it from a backup, or use another data directory",
                  directory_.string(), what));
}

}  // namespace

std::unique_ptr<Store> open_rocksdb_store(const RocksdbOptions& options) {
  return std::make_unique<RocksdbStore>(options);
}

}  // namespace leveret::storage
