#include "storage/reclaimer.h"

#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <utility>

namespace leveret::storage {
namespace {

using namespace std::chrono_literals;

/// So much is worth the work at any time,
constexpr std::uint64_t much_octets = 256 << 20;
/// and so much when nothing more has been deleted for a while.
constexpr std::uint64_t some_octets = 16 << 20;
constexpr auto quiet_time = 5s;

/// Files of large values are written anew when less than half of what they hold is needed.
constexpr std::uint64_t wasted_share = 2;

}  // namespace

void Reclaimer::note_freed(std::uint64_t octets) {
  if (octets == 0) return;
  const std::lock_guard lock{mutex_};
  const bool was_little = freed_octets_ < some_octets;
  freed_octets_ += octets;
  last_freed_ = std::chrono::steady_clock::now();
  if ((was_little && freed_octets_ >= some_octets) || freed_octets_ >= much_octets) changed_.notify_one();
}

void Reclaimer::stop() {
  {
    const std::lock_guard lock{mutex_};
    is_ending_ = true;
  }
  database_.is_leaving() = true;
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

/// False when the thread is to end.
bool Reclaimer::wait_for_work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || freed_octets_ >= some_octets; });
    if (is_ending_) return false;
    if (freed_octets_ >= std::max(much_octets, enough_octets_)) break;
    const auto quiet_at = last_freed_ + quiet_time;
    if (std::chrono::steady_clock::now() >= quiet_at) break;
    changed_.wait_until(lock, quiet_at);
  }
  freed_octets_ = 0;
  return true;
}

void Reclaimer::run() {
  while (wait_for_work()) reclaim();
}

void Reclaimer::reclaim() {
  const Gate::Stay stay{database_.gate()};
  if (!stay.is_inside()) return;
  compact(false);
  rocksdb::ColumnFamilyMetaData metadata;
  database_.db().GetColumnFamilyMetaData(&metadata);
  std::uint64_t all = 0;
  std::uint64_t garbage = 0;
  for (const auto& file : metadata.blob_files) {
    all += file.total_blob_bytes;
    garbage += file.garbage_blob_bytes;
  }
  if (garbage >= much_octets / 2 && garbage * wasted_share > all) compact(true);
  // What is left in the tables is written again each time, so it is done the more rarely the more they hold.
  enough_octets_ = 4 * metadata.size;
}

/// A database that cannot do this cannot write either, which is for the committer to find.
void Reclaimer::compact(bool rewrites_blobs) {
  rocksdb::CompactRangeOptions options;
  options.canceled = &database_.is_leaving();
  if (rewrites_blobs) {
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
  }
  database_.db().CompactRange(options, nullptr, nullptr).PermitUncheckedError();
}

}  // namespace leveret::storage
