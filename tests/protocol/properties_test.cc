#include "protocol/properties.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/protocol/random_values.h"

namespace leveret::protocol {
namespace {

using namespace std::string_literals;

/// About half of the properties, each of a random value.
BasicProperties random_properties(RandomValues& values) {
  BasicProperties properties{};
  std::apply(
      [&](auto... field) {
        ((values.below(2) == 1 ? values.fill((properties.*field.member).emplace()) : void()), ...);
      },
      BasicProperties::fields);
  return properties;
}

std::string_view octets_of(FieldTable table) {
  return as_text(table.octets());
}
template <class T>
const T& octets_of(const T& value) {
  return value;
}

TEST(Properties, AreTheSameAfterEncodingAndDecoding) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  for (int round = 0; round < 500; ++round) {
    const BasicProperties properties = random_properties(values);
    const std::string encoded = encode_properties(properties);
    const auto decoded = decode_properties(as_octets(encoded));
    ASSERT_TRUE(decoded);
    const auto check = [&](auto field) {
      const auto& expected = properties.*field.member;
      const auto& actual = (*decoded).*field.member;
      ASSERT_EQ(actual.has_value(), expected.has_value()) << field.name;
      if (expected) {
        EXPECT_EQ(octets_of(*actual), octets_of(*expected)) << field.name;
      }
    };
    std::apply([&](auto... field) { (check(field), ...); }, BasicProperties::fields);
    EXPECT_EQ(encode_properties(*decoded), encoded);
    const auto essential = decode_essential_properties(as_octets(encoded));
    ASSERT_TRUE(essential);
    EXPECT_EQ(essential->delivery_mode, properties.delivery_mode);
    EXPECT_EQ(essential->priority, properties.priority);
    EXPECT_EQ(essential->expiration, properties.expiration);
    EXPECT_EQ(essential->are_not_all, properties.headers || properties.reply_to || properties.user_id);
    const auto headers = headers_of(as_octets(encoded));
    ASSERT_EQ(headers.has_value(), properties.headers.has_value());
    if (headers) {
      EXPECT_EQ(octets_of(*headers), octets_of(*properties.headers));
    }
  }
}

TEST(Properties, AreRefusedInEveryTruncation) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  for (int round = 0; round < 50; ++round) {
    const std::string encoded = encode_properties(random_properties(values));
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      const std::vector<std::uint8_t> cut{encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(size)};
      const auto result = decode_essential_properties(cut);
      ASSERT_FALSE(result) << size << " of " << encoded.size();
      EXPECT_EQ(result.error().reply_text(), "INTERNAL_ERROR");
      EXPECT_FALSE(decode_properties(cut));
      (void)headers_of(cut);
    }
    EXPECT_FALSE(decode_essential_properties(as_octets(encoded + '\0')));
  }
}

TEST(Properties, AreEncodedAsTheSpecificationSays) {
  EXPECT_EQ(encode_properties({}), "\0\0"s);
  EXPECT_EQ(encode_properties({.content_type = "a", .delivery_mode = 2, .cluster_id = ""}), "\x90\4\1a\2\0"s);
}

TEST(Properties, IgnoreTheTwoLowestFlags) {
  EXPECT_TRUE(decode_essential_properties(as_octets("\0\2"s)));
  EXPECT_TRUE(decode_essential_properties(as_octets("\0\1"s)));
  EXPECT_FALSE(decode_essential_properties(as_octets("\0\1\0\0"s)));
}

TEST(Properties, RefuseMalformedHeaders) {
  EXPECT_FALSE(decode_essential_properties(as_octets("\x20\0\0\0\0\3\1k?"s)));
}

TEST(ContentHeader, IsDecoded) {
  const std::string payload = "\0\x3C\0\1\0\0\0\0\0\0\1\0\x10\0\2"s;
  const auto header = decode_content_header(as_octets(payload));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->class_id, 60);
  EXPECT_EQ(header->weight, 1);
  EXPECT_EQ(header->body_size, 256U);
  EXPECT_EQ(decode_essential_properties(header->properties)->delivery_mode, 2);
}

TEST(ContentHeader, IsRefusedWhenItIsTooShort) {
  const auto header = decode_content_header(as_octets("\0\x3C\0"s));
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().reply_text(), "FRAME_ERROR - type 2, all octets = <<0,60,0>>: unknown_frame");
}

TEST(Properties, TakeOneHeaderMore) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  for (int round = 0; round < 200; ++round) {
    BasicProperties properties = random_properties(values);
    const std::string changed = with_header(as_octets(encode_properties(properties)), "x-added", 7);
    std::string headers{properties.headers ? as_text(properties.headers->octets()) : ""};
    headers += FieldTableBuilder{}.put("x-added", std::int64_t{7}).take();
    properties.headers = FieldTable{as_octets(headers)};
    EXPECT_EQ(changed, encode_properties(properties));
  }
}

TEST(Properties, TakeAHeaderInPlaceOfAnother) {
  const auto before = FieldTableBuilder{}.put("a", 1).put("b", "2").put("c", true);
  const auto after = FieldTableBuilder{}.put("a", 1).put("c", true).put("b", std::int64_t{7});
  const std::string encoded = encode_properties({.content_type = "text", .headers = before.view(), .priority = 3});
  EXPECT_EQ(with_header(as_octets(encoded), "b", 7),
            encode_properties({.content_type = "text", .headers = after.view(), .priority = 3}));
}

}  // namespace
}  // namespace leveret::protocol
