/// The distribution's RocksDB is not built for the thread sanitizer, which therefore misses how its threads wait for
/// each other and takes that for races.  Races in code of ours are still reported.
extern "C" const char* __tsan_default_suppressions() {
  return "race:^rocksdb::\nrace:^non-virtual thunk to rocksdb::\n";
}
