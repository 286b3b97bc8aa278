#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::storage {

/// How often each message of a block has been delivered and has come back.  Neighbours mostly have the same count, as a
/// consumer that goes gives back all it had, so what is kept is where the count changes:
///
///     runs : varint | runs x { positions since the last run's first : varint | count : varint }
///
/// A run ends where the next one begins; the count of the last holds to the end of the block.  Before the first, and
/// mostly in the last, it is 0.
class ReturnCounts {
 public:
  bool empty() const { return runs_.empty(); }
  std::uint32_t at(std::uint32_t offset) const;
  void set(std::uint32_t offset, std::uint32_t count);

  void encode(std::string& output) const;
  /// Takes what `encode` gave off the front of `input`; nothing when it is something else.
  static std::optional<ReturnCounts> decode(std::string_view& input);

  friend bool operator==(const ReturnCounts&, const ReturnCounts&) = default;

 private:
  struct Run {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    friend bool operator==(const Run&, const Run&) = default;
  };

  void begin_run(std::uint32_t first, std::uint32_t count);

  std::vector<Run> runs_{};  // by `first`; each has another count than the one before it
};

}  // namespace leveret::storage
