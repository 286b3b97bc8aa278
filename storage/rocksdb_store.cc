#include "storage/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "storage/backlog_cursor.h"
#include "storage/committer.h"
#include "storage/database.h"
#include "storage/delayed_cursor.h"
#include "storage/keys.h"
#include "storage/queue_record.h"
#include "storage/reader_pool.h"
#include "storage/reclaimer.h"
#include "storage/shelf.h"
#include "storage/store_files.h"

namespace leveret::storage {
namespace {

constexpr std::string_view format_line = "leveret store 3\n";
/// Of stores that know neither counts of returns nor delayed messages under keys of their own, and are otherwise the
/// same.
constexpr std::string_view previous_format_line = "leveret store 2\n";
constexpr std::size_t reader_threads = 2;
constexpr std::size_t cache_octets = 8 << 20;

class RocksdbStore final : public Store, private GroupWriter {
 public:
  explicit RocksdbStore(const RocksdbOptions& options);
  ~RocksdbStore() override;

  void put_definition(std::string key, std::string value) override {
    committer_->hand_over(PutDefinition{.key = std::move(key), .value = std::move(value)});
  }
  void erase_definition(std::string key) override { committer_->hand_over(EraseDefinition{.key = std::move(key)}); }
  StoreLoad load() const override { return committer_->load(); }
  void drop_queue(QueueId queue) override { committer_->hand_over(DropQueue{.queue = queue}); }
  void commit(std::unique_ptr<Batch> batch, CommitHandler done) override {
    committer_->hand_over(CommitBatch{.batch = std::move(batch), .done = std::move(done)});
  }
  void read(QueueId queue, Position from, ReadLimits limits, ReadHandler done) override {
    readers_->hand_over({.queue = queue, .from = from, .limits = limits, .done = std::move(done)});
  }
  void read_delayed(QueueId queue, DelayedPlace from, ReadLimits limits, ReadHandler done) override {
    readers_->hand_over(
        {.queue = queue, .from = from.position, .delayed_from = from.due, .limits = limits, .done = std::move(done)});
  }

  void recover_definitions(const DefinitionVisitor& visit) override;
  std::vector<QueueId> stored_queues() override;
  QueueState recover_queue(QueueId queue) override;
  QueueState recover_queue(QueueId queue, const MessageVisitor& visit) override;

  bool stopped_cleanly() const override { return stopped_cleanly_; }
  void close() override;

 private:
  /// What is forgotten by the next start: opened when the first message comes.
  struct Transient {
    explicit Transient(Database::Options options) : database(std::move(options)) {}
    Database database;
    Shelf shelf{database.open(Database::Missing::create)};
    Reclaimer reclaimer{database};
  };

  Database::Options database_options(std::string name, Keeping keeping) const;
  void open();
  std::optional<std::string> read_format();
  void require_emptiness();
  void write_format();
  void read_clean_mark();
  void write_clean_mark();

  void stage(const Order& order) override;
  std::optional<StoreError> write() override;
  void stage(const Batch& batch);
  void open_transient();
  void endure(Database& database, const StoreError& failure);
  void stop_readers();

  ReadResult read(const ReadOrder& order);
  ReadResult read_delayed(const ReadOrder& order);
  std::string format_path() const { return database_.path() + "/FORMAT"; }

  const std::filesystem::path directory_;
  const std::size_t write_buffer_octets_;
  const std::unique_ptr<rocksdb::Env> env_;
  const std::shared_ptr<rocksdb::Cache> cache_ = rocksdb::NewLRUCache(cache_octets);
  PartlyReadBlocks partly_read_{};
  bool stopped_cleanly_ = true;

  Database database_;
  std::unique_ptr<Shelf> shelf_{};
  std::unique_ptr<Reclaimer> reclaimer_{};
  std::unique_ptr<Transient> transient_{};
  std::atomic<Transient*> readable_transient_{nullptr};  // `transient_`, when it is there, for the readers

  std::unique_ptr<Committer> committer_{};
  std::unique_ptr<ReaderPool> readers_{};
};

RocksdbStore::RocksdbStore(const RocksdbOptions& options)
    : directory_(options.directory),
      write_buffer_octets_(options.write_buffer_octets),
      env_(rocksdb::NewCompositeEnv(
          std::make_shared<StoreFiles>(options.file_system ? options.file_system : rocksdb::FileSystem::Default()))),
      database_(database_options("store", Keeping::durable)) {
  open();
  shelf_ = std::make_unique<Shelf>(database_);
  read_clean_mark();
  reclaimer_ = std::make_unique<Reclaimer>(database_);
  GroupWriter& writer = *this;
  committer_ = std::make_unique<Committer>(writer, Committer::Options{.on_alarm = options.on_alarm,
                                                                      .on_alarm_cleared = options.on_alarm_cleared,
                                                                      .retry_after_min = options.retry_after_min,
                                                                      .retry_after_max = options.retry_after_max});
  database_.on_failed_read = [this](const StoreError& failure) { endure(database_, failure); };
  readers_ = std::make_unique<ReaderPool>(reader_threads, [this](const ReadOrder& order) { return read(order); });
}

RocksdbStore::~RocksdbStore() {
  stop_readers();
  committer_->stop(Committer::Ending::at_once);
}

Database::Options RocksdbStore::database_options(std::string name, Keeping keeping) const {
  return {.data_directory = directory_,
          .name = std::move(name),
          .env = env_.get(),
          .write_buffer_octets = write_buffer_octets_,
          .cache = cache_,
          .keeping = keeping};
}

// ---------------------------------------------------------------------------------------------------------- opening

void RocksdbStore::open() {
  const auto format = read_format();
  database_.open(format ? Database::Missing::refuse : Database::Missing::create);
  if (!format) require_emptiness();
  if (format != format_line) write_format();
  std::error_code ignored;  // what is left of it does no harm until it is opened
  std::filesystem::remove_all(directory_ / "transient", ignored);
}

/// A format that can be opened; nothing when there is none, as nothing was ever stored here.
std::optional<std::string> RocksdbStore::read_format() {
  std::string format;
  const auto status = rocksdb::ReadFileToString(env_.get(), format_path(), &format);
  if (status.IsNotFound() || status.IsPathNotFound()) return std::nullopt;
  database_.require(status);
  if (format == format_line || format == previous_format_line) return format;
  throw StoreError(
      fmt::format("data directory {} has the unknown store format \"{}\" and was left as it is: use the "
                  "version of this broker that wrote it, or another directory",
                  directory_.string(), format.substr(0, std::min(format.find('\n'), std::size_t{60}))));
}

void RocksdbStore::require_emptiness() {
  const std::unique_ptr<rocksdb::Iterator> any{database_.db().NewIterator({})};
  any->SeekToFirst();
  database_.require(any->status());
  if (any->Valid()) throw database_.damaged("its file FORMAT is missing");
}

/// The format is written behind the new database, so that one without the other tells what happened.
void RocksdbStore::write_format() {
  const std::string path = format_path();
  database_.require(rocksdb::WriteStringToFile(env_.get(), rocksdb::Slice{format_line.data(), format_line.size()},
                                               path + ".new", true));
  database_.require(env_->RenameFile(path + ".new", path));
  std::unique_ptr<rocksdb::Directory> directory;
  database_.require(env_->NewDirectory(database_.path(), &directory));
  database_.require(directory->Fsync());
}

void RocksdbStore::read_clean_mark() {
  const Key key{KeyKind::clean};
  const bool is_marked = database_.get(key).has_value();
  stopped_cleanly_ = is_marked || database_.db().GetLatestSequenceNumber() == 0;
  if (is_marked) shelf_->write_batch().Delete(key);  // with the first thing that changes the store
}

// --------------------------------------------------------------------------------------------------------- recovery

void RocksdbStore::recover_definitions(const DefinitionVisitor& visit) {
  KeyRange definitions{database_, Key{KeyKind::definition}, end_of(KeyKind::definition)};
  for (definitions.seek_first(); definitions.is_valid(); definitions.next())
    visit(definitions.key().substr(1), definitions.value());
  definitions.check();
}

std::vector<QueueId> RocksdbStore::stored_queues() {
  std::vector<QueueId> result;
  KeyRange queues{database_, Key{KeyKind::queue}, end_of(KeyKind::queue)};
  for (queues.seek_first(); queues.is_valid(); queues.next()) {
    if (queues.key().size() != 9) throw database_.damaged("a queue's key has a wrong size");
    result.push_back(QueueId{last_number(queues.key())});
  }
  queues.check();
  return result;
}

QueueState RocksdbStore::recover_queue(QueueId queue) {
  const auto stored = database_.get(Key{KeyKind::queue, queue});
  if (!stored) return {};
  const auto record = decode_queue_record(*stored);
  if (!record) {
    throw database_.damaged(fmt::format("the record of queue {} cannot be read", static_cast<std::uint64_t>(queue)));
  }
  return {.next_position = record->next,
          .first_position = record->head,
          .delivered_before = record->delivered_before,
          .messages = record->messages,
          .body_octets = record->body_octets,
          .delayed_messages = record->delayed,
          .delayed_body_octets = record->delayed_body_octets};
}

QueueState RocksdbStore::recover_queue(QueueId queue, const MessageVisitor& visit) {
  const QueueState state = recover_queue(queue);
  BacklogCursor cursor{database_, cache_, partly_read_, queue, state.first_position};
  for (; cursor.is_valid(); cursor.advance()) {
    auto [message, buffer] = cursor.message();
    message.redelivered = message.redelivered || message.position < state.delivered_before;
    visit(message);
  }
  return state;
}

// ---------------------------------------------------------------------------------------------------------- reading

ReadResult RocksdbStore::read(const ReadOrder& order) {
  ReadResult result;
  result.next = order.from;
  try {
    const Gate::Stay stay{database_.gate()};
    if (!stay.is_inside()) throw StoreError("the store has been closed");
    if (order.delayed_from) return read_delayed(order);
    BacklogCursor durable{database_, cache_, partly_read_, order.queue, order.from};
    Transient* const transient = readable_transient_;
    if (!transient) return read_backlog({&durable}, order.from, order.limits);
    const Gate::Stay transient_stay{transient->database.gate()};
    if (!transient_stay.is_inside()) throw StoreError("the store has been closed");
    BacklogCursor other{transient->database, cache_, partly_read_, order.queue, order.from};
    return read_backlog({&durable, &other}, order.from, order.limits);
  } catch (const StoreError& error) {
    result.error = error;
  }
  return result;
}

ReadResult RocksdbStore::read_delayed(const ReadOrder& order) {
  const DelayedPlace from{.due = *order.delayed_from, .position = order.from};
  DelayedCursor durable{database_, order.queue, from};
  Transient* const transient = readable_transient_;
  if (!transient) return storage::read_delayed({&durable}, from, order.limits);
  const Gate::Stay transient_stay{transient->database.gate()};
  if (!transient_stay.is_inside()) throw StoreError("the store has been closed");
  DelayedCursor other{transient->database, order.queue, from};
  return storage::read_delayed({&durable, &other}, from, order.limits);
}

// ---------------------------------------------------------------------------------------------------------- writing

void RocksdbStore::stage(const Order& order) {
  if (const auto* put = std::get_if<PutDefinition>(&order)) {
    shelf_->write_batch().Put(definition_key(put->key), put->value);
  } else if (const auto* erase = std::get_if<EraseDefinition>(&order)) {
    shelf_->write_batch().Delete(definition_key(erase->key));
  } else if (const auto* drop = std::get_if<DropQueue>(&order)) {
    shelf_->drop(drop->queue);
    if (transient_) transient_->shelf.drop(drop->queue);
  } else {
    stage(*std::get<CommitBatch>(order).batch);
  }
}

void RocksdbStore::stage(const Batch& batch) {
  shelf_->stage(batch);
  if (!transient_ && std::ranges::any_of(batch.appends, &Append::is_transient)) open_transient();
  if (transient_) transient_->shelf.stage(batch);
}

void RocksdbStore::open_transient() {
  for (;;) {
    try {
      std::error_code ignored;  // what an attempt that failed has left
      std::filesystem::remove_all(directory_ / "transient", ignored);
      transient_ = std::make_unique<Transient>(database_options("transient", Keeping::transient));
      break;
    } catch (const StoreError& failure) {
      if (!committer_->endure(failure)) throw;
    }
  }
  Database& database = transient_->database;
  database.on_failed_read = [this, &database](const StoreError& failure) { endure(database, failure); };
  readable_transient_ = transient_.get();
}

/// Waits, opens the database anew, and returns when that has succeeded, or throws when the store is to end.
void RocksdbStore::endure(Database& database, const StoreError& failure) {
  for (std::optional<StoreError> error = failure; error;) {
    if (!committer_->endure(*error)) throw StoreError(*error);
    error.reset();
    try {
      database.reopen();
    } catch (const StoreError& again) {
      error = again;
    }
  }
}

std::optional<StoreError> RocksdbStore::write() {
  if (auto failure = shelf_->write()) return failure;
  reclaimer_->note_freed(shelf_->take_freed_octets());
  if (!transient_) return std::nullopt;
  if (auto failure = transient_->shelf.write()) return failure;
  transient_->reclaimer.note_freed(transient_->shelf.take_freed_octets());
  return std::nullopt;
}

// ----------------------------------------------------------------------------------------------------------- ending

void RocksdbStore::stop_readers() {
  database_.gate().end();
  if (Transient* const transient = readable_transient_) transient->database.gate().end();
  readers_->stop();
}

/// RocksDB may still refuse to write for a disk that failed while nothing was being stored; opened anew, it does not.
void RocksdbStore::write_clean_mark() {
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto write = [&] { return database_.db().Put(options, Key{KeyKind::clean}, {}); };
  if (write().ok()) return;
  database_.reopen();
  database_.require(write());
}

void RocksdbStore::close() {
  stop_readers();
  reclaimer_->stop();
  if (const auto failure = committer_->stop(Committer::Ending::when_all_is_written)) throw StoreError(*failure);
  readable_transient_ = nullptr;
  transient_.reset();
  write_clean_mark();
  // All is safe in the log; as a table it is quicker to start from, so that it does not matter if this fails.
  database_.db().Flush({}).PermitUncheckedError();
  database_.close();
}

}  // namespace

std::unique_ptr<Store> open_rocksdb_store(const RocksdbOptions& options) {
  return std::make_unique<RocksdbStore>(options);
}

}  // namespace leveret::storage
