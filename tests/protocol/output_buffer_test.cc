#include "protocol/output_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/protocol/output.h"
#include "tests/protocol/random_values.h"

namespace leveret::protocol {
namespace {

/// Counts the releases of what it hands keepers to.
struct Releases {
  int count = 0;

  Keeper keeper() {
    return {.object = this, .release = [](void* object) { ++static_cast<Releases*>(object)->count; }};
  }
};

void put(OutputBuffer& output, std::string_view text) {
  output.commit(std::ranges::copy(as_octets(text), output.prepare(text.size())).out);
}

TEST(OutputBuffer, KeepsTheOrderOfWhatIsAppended) {
  Releases releases;
  OutputBuffer output;
  put(output, "one ");
  output.append(as_octets("two "));
  output.append_external(as_octets("three "), releases.keeper());
  put(output, "four");
  EXPECT_EQ(unwritten(output), "one two three four");
  EXPECT_EQ(output.size(), 18U);
}

TEST(OutputBuffer, JoinsWhatLiesTogether) {
  OutputBuffer output;
  put(output, "one ");
  put(output, "two ");
  output.append(as_octets("three"));
  std::array<iovec, 4> pieces{};
  EXPECT_EQ(output.fill(pieces), 1U);
}

TEST(OutputBuffer, MayLeavePreparedRoomUnused) {
  OutputBuffer output;
  std::uint8_t* room = output.prepare(100);
  room[0] = 'a';
  output.commit(room + 1);
  output.commit(output.prepare(50));
  put(output, "b");
  EXPECT_EQ(unwritten(output), "ab");
}

TEST(OutputBuffer, HasRoomForMoreThanAChunk) {
  OutputBuffer output;
  const std::string large(100000, 'x');
  put(output, "a");
  put(output, large);
  output.append(as_octets(large));
  put(output, "b");
  EXPECT_EQ(unwritten(output), "a" + large + large + "b");
}

TEST(OutputBuffer, ReleasesAKeeperWhenItsOctetsAreWritten) {
  Releases releases;
  OutputBuffer output;
  put(output, "ab");
  output.append_external(as_octets("cd"), releases.keeper());
  put(output, "ef");
  output.consume(3);
  EXPECT_EQ(releases.count, 0);
  EXPECT_EQ(unwritten(output), "def");
  output.consume(1);
  EXPECT_EQ(releases.count, 1);
  output.consume(2);
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(releases.count, 1);
}

TEST(OutputBuffer, ReleasesKeepersWhenItEnds) {
  Releases releases;
  {
    OutputBuffer output;
    output.append_external(as_octets("ab"), releases.keeper());
    output.append_external(as_octets("cd"), releases.keeper());
    output.append_external(as_octets("kept by nobody"), {});
  }
  EXPECT_EQ(releases.count, 2);
}

TEST(OutputBuffer, ReleasesTheKeeperOfNothingAtOnce) {
  Releases releases;
  OutputBuffer output;
  output.append_external({}, releases.keeper());
  EXPECT_EQ(releases.count, 1);
  EXPECT_TRUE(output.empty());
}

TEST(OutputBuffer, FillsAsManyPiecesAsThereIsRoomFor) {
  OutputBuffer output;
  for (int i = 0; i < 10; ++i) {
    put(output, "a");
    output.append_external(as_octets("b"), {});
  }
  std::array<iovec, 3> pieces{};
  EXPECT_EQ(output.fill(pieces), 3U);
  EXPECT_EQ(output.fill({}), 0U);
}

TEST(OutputBuffer, GivesOutWhatWasPutInWhateverThePattern) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  for (int round = 0; round < 20; ++round) {
    Releases releases;
    int external = 0;
    std::string expected;
    std::string written;
    OutputBuffer output;
    for (int step = 0; step < 500; ++step) {
      const std::string_view text = values.text(values.below(8) == 0 ? values.below(40000) : values.below(300));
      switch (values.below(5)) {
        case 0:
          put(output, text);
          expected += text;
          break;
        case 1:
          output.append(as_octets(text));
          expected += text;
          break;
        case 2:
          output.append_external(as_octets(text), releases.keeper());
          expected += text;
          ++external;
          break;
        default: {
          const std::string waiting = unwritten(output);
          const std::size_t size = std::min<std::size_t>(waiting.size(), values.below(30000));
          written += waiting.substr(0, size);
          output.consume(size);
        }
      }
      ASSERT_EQ(written.size() + output.size(), expected.size());
    }
    written += unwritten(output);
    EXPECT_EQ(written, expected);
    output.consume(output.size());
    EXPECT_TRUE(output.empty());
    EXPECT_EQ(releases.count, external);
  }
}

}  // namespace
}  // namespace leveret::protocol
