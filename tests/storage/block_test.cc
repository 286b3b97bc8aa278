#include "storage/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include <numeric>
#include <random>

#include "storage/crc32c.h"

namespace rocksdb::crc32c {
std::uint32_t Extend(std::uint32_t crc, const char* octets, std::size_t size);  // which is ours, on some processors
}

namespace leveret::storage {
namespace {

Octets octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string_view text(Octets octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

struct EncodedBlock : rocksdb::WriteBatch::Handler {
  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice& new_key, const rocksdb::Slice& new_value) override {
    key = new_key.ToString();
    value = new_value.ToString();
    return rocksdb::Status::OK();
  }
  std::string key{};
  std::string value{};
};

EncodedBlock encode(BlockWriter& writer) {
  rocksdb::WriteBatch write;
  writer.put(Key{KeyKind::messages, QueueId{7}, writer.first()}, write);
  EncodedBlock block;
  EXPECT_TRUE(write.Iterate(&block).ok());
  return block;
}

EncodedBlock three_messages() {
  BlockWriter writer;
  writer.add({.position = 300, .content = octets("first")});
  writer.add({.position = 301, .shared_body = SharedBody{1000}});
  writer.add({.position = 505, .redelivered = true, .content = octets("third")});
  return encode(writer);
}

TEST(Block, GivesBackWhatWasAdded) {
  const auto block = three_messages();
  const auto entries = decode_block(block.key, block.value);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].position, 300u);
  EXPECT_EQ(text((*entries)[0].content), "first");
  EXPECT_FALSE((*entries)[0].redelivered);
  EXPECT_EQ((*entries)[1].position, 301u);
  EXPECT_EQ((*entries)[1].shared_body, SharedBody{1000});
  EXPECT_EQ((*entries)[2].position, 505u);
  EXPECT_EQ(text((*entries)[2].content), "third");
  EXPECT_TRUE((*entries)[2].redelivered);
}

TEST(Block, EmptyContentIsAMessageToo) {
  BlockWriter writer;
  writer.add({.position = 0});
  const auto block = encode(writer);
  const auto entries = decode_block(block.key, block.value);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_TRUE((*entries)[0].content.empty());
  EXPECT_TRUE(writer.is_empty());
}

TEST(Block, EveryFlippedBitIsFound) {
  const auto block = three_messages();
  for (std::size_t bit = 0; bit < block.value.size() * 8; ++bit) {
    auto damaged = block.value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_block(block.key, damaged)) << "bit " << bit;
  }
}

TEST(Block, EveryTruncationIsFound) {
  const auto block = three_messages();
  for (std::size_t size = 0; size < block.value.size(); ++size) {
    EXPECT_FALSE(decode_block(block.key, std::string_view{block.value}.substr(0, size))) << size;
  }
}

TEST(Block, AtAnotherKeyIsFound) {
  const auto block = three_messages();
  EXPECT_FALSE(decode_block(Key{KeyKind::messages, QueueId{7}, 301}, block.value));
  EXPECT_FALSE(decode_block(Key{KeyKind::messages, QueueId{8}, 300}, block.value));
}

TEST(Block, HasRoomForALimitedSpanAndSize) {
  const std::string large(block_octets_max, 'x');
  BlockWriter writer;
  writer.add({.position = 10, .content = octets("small")});
  EXPECT_TRUE(writer.has_room(10 + block_span_max - 1, 1));
  EXPECT_FALSE(writer.has_room(10 + block_span_max, 1));
  EXPECT_FALSE(writer.has_room(11, large.size()));
}

struct CrcCase {
  std::string octets;
  std::uint32_t crc;
};

std::ostream& operator<<(std::ostream& stream, const CrcCase& row) {
  return stream << "crc=" << row.crc << " of " << row.octets.size() << " octets";
}

class Crc32c : public testing::TestWithParam<CrcCase> {};

TEST_P(Crc32c, IsTheOneOfTheStandard) {
  const auto& [input, crc] = GetParam();
  EXPECT_EQ(crc32c(input), crc);
  EXPECT_EQ(crc32c_portable(input), crc);
  EXPECT_EQ(rocksdb::crc32c::Extend(0, input.data(), input.size()), crc);
  for (std::size_t split = 0; split <= input.size(); ++split) {
    const std::string_view view{input};
    EXPECT_EQ(crc32c(view.substr(split), crc32c(view.substr(0, split))), crc);
  }
}

TEST(Checksum, OfAnySizeIsWhatThePortableOneGives) {
  std::string octets;
  std::mt19937 random{7};
  for (std::size_t size = 0; size < 5000; ++size) {
    EXPECT_EQ(crc32c(octets, 0x12345678u), crc32c_portable(octets, 0x12345678u)) << size << " octets";
    octets.push_back(static_cast<char>(random()));
  }
}

std::string rising() {
  std::string result(32, '\0');
  std::iota(result.begin(), result.end(), '\0');
  return result;
}

// RFC 3720, section B.4, and the usual check value.
INSTANTIATE_TEST_SUITE_P(Standard, Crc32c,
                         testing::Values(CrcCase{"", 0}, CrcCase{"123456789", 0xE3069283},
                                         CrcCase{std::string(32, '\0'), 0x8A9136AA},
                                         CrcCase{std::string(32, '\xFF'), 0x62A8AB43}, CrcCase{rising(), 0x46DD794E}));

TEST(Varint, ComesBackFromEverySizeAndNoTruncation) {
  for (int bits = 0; bits <= 64; ++bits) {
    const std::uint64_t value = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
    std::string encoded;
    append_varint(encoded, value);
    std::string_view whole{encoded};
    EXPECT_EQ(take_varint(whole), value);
    EXPECT_TRUE(whole.empty());
    std::string_view truncated = std::string_view{encoded}.substr(0, encoded.size() - 1);
    EXPECT_FALSE(take_varint(truncated));
  }
  std::string_view too_large = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02";
  EXPECT_FALSE(take_varint(too_large));
}

}  // namespace
}  // namespace leveret::storage
