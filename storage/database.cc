#include "storage/database.h"

#include <fmt/format.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/log_scan.h"

namespace leveret::storage {
namespace {

/// From this size on a value is kept out of the tables, in a file of its own kind, and is not written again when they
/// are merged.
constexpr std::uint64_t blob_octets_min = 512;

/// RocksDB's own log is of no use to an operator: what fails comes back as a status, and from there as a StoreError.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

rocksdb::Options Database::rocksdb_options(Missing missing) const {
  rocksdb::Options options;
  options.env = options_.env;
  options.create_if_missing = missing == Missing::create;
  options.info_log = std::make_shared<NoLog>();

  // A torn end of the log is what a power loss leaves of writes nobody was told of; everything before it counts.
  // kTolerateCorruptedTailRecords would refuse to open after one whose pages reached the disk out of order.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;

  options.write_buffer_size = options_.write_buffer_octets;
  options.max_write_buffer_number = 3;
  options.arena_block_size = std::min<std::size_t>(options_.write_buffer_octets / 8, 256 << 10);
  options.allow_concurrent_memtable_write = false;  // the committer is the only writer
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;  // sixteen cost more than they gain
  options.compression = rocksdb::kNoCompression;
  options.skip_stats_update_on_db_open = true;
  options.fail_if_options_file_error = false;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;        // a store that cannot write is opened anew
  options.avoid_flush_during_shutdown = true;  // the log has it

  options.enable_blob_files = true;
  options.min_blob_size = blob_octets_min;
  options.target_file_size_base = 16 << 20;

  // Tables hold keys and small values only, about a tenth of what a write buffer takes.  RocksDB's own figures, which
  // are for whole values, would merge each few with a level that is fifty times as large.
  options.level0_file_num_compaction_trigger = 8;
  options.max_bytes_for_level_base = 16 << 20;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = options_.cache;
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Database& Database::open(Missing missing) {
  std::error_code failure;
  std::filesystem::create_directories(path(), failure);
  if (failure) {
    throw StoreError(
        fmt::format("cannot make data directory {}: {}", options_.data_directory.string(), failure.message()));
  }
  if (keeping() == Keeping::durable) check_logs();
  rocksdb::DB* opened = nullptr;
  require(rocksdb::DB::Open(rocksdb_options(missing), path(), &opened));
  db_.reset(opened);
  check_blob_files();
  return *this;
}

/// What RocksDB would take for the end of the log, and leave out what follows.
void Database::check_logs() const {
  std::vector<std::string> files;
  require(options_.env->GetChildren(path(), &files));
  for (const std::string& file : files)
    if (file.ends_with(".log")) check_log(path() + "/" + file);
}

void Database::check_log(const std::string& file) const {
  std::unique_ptr<rocksdb::SequentialFile> log;
  require(options_.env->NewSequentialFile(file, &log, rocksdb::EnvOptions{}));
  LogScan scan;
  std::vector<char> octets(LogScan::block_size);
  for (rocksdb::Slice block;;) {
    require(log->Read(octets.size(), &block, octets.data()));
    scan.take_block(text(block));
    if (scan.has_found_damage()) throw damaged(fmt::format("its file {} is not what was written", file));
    if (block.size() < octets.size()) return;
  }
}

/// RocksDB itself looks at these when something is read from them.  It merges tables by now: the files that are no
/// longer needed stay until all have been looked at.
void Database::check_blob_files() const {
  require(db_->DisableFileDeletions());
  rocksdb::ColumnFamilyMetaData metadata;
  db_->GetColumnFamilyMetaData(&metadata);
  for (const auto& blob : metadata.blob_files) {
    std::uint64_t size = 0;
    const std::string file = fmt::format("{}/{:06}.blob", path(), blob.blob_file_number);
    if (!options_.env->GetFileSize(file, &size).ok()) throw damaged(fmt::format("its file {} is missing", file));
    if (size != blob.blob_file_size) throw damaged(fmt::format("its file {} has a wrong size", file));
  }
  require(db_->EnableFileDeletions(false));
}

void Database::reopen() {
  is_leaving_ = true;
  gate_.close();
  is_leaving_ = false;
  db_.reset();
  open(Missing::refuse);
  gate_.open();
}

void Database::close() {
  const auto status = db_->Close();
  db_.reset();
  require(status);
}

std::optional<std::string> Database::get(std::string_view key) const {
  std::string value;
  const auto status = db_->Get({}, rocksdb::Slice{key.data(), key.size()}, &value);
  if (status.IsNotFound()) return std::nullopt;
  require(status);
  return value;
}

StoreError Database::error(const rocksdb::Status& status) const {
  std::string reason = status.ToString();
  std::ranges::replace(reason, '\n', ' ');
  const auto lock = reason.find(path() + "/LOCK: ");
  if (lock != std::string::npos && (reason.find("unavailable", lock) != std::string::npos ||  // another process
                                    reason.find("No locks", lock) != std::string::npos)) {  // another store of this one
    return StoreError(fmt::format("data directory {} is in use by another broker", options_.data_directory.string()));
  }
  if (status.IsCorruption() || status.IsInvalidArgument()) return damaged(reason);
  return StoreError(fmt::format("cannot use data directory {}: {}", options_.data_directory.string(), reason));
}

StoreError Database::damaged(const std::string& what) const {
  return StoreError(
      fmt::format("the store in {} is damaged: {}; restore it from a backup, or use another data directory",
                  options_.data_directory.string(), what));
}

KeyRange::KeyRange(const Database& database, const Key& first, const Key& end, const rocksdb::Snapshot* snapshot)
    : database_(database), first_(first), end_(end), first_slice_(first_), end_slice_(end_) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.iterate_lower_bound = &first_slice_;
  options.iterate_upper_bound = &end_slice_;
  iterator_.reset(database.db().NewIterator(options));
}

}  // namespace leveret::storage
