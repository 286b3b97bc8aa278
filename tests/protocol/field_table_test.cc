#include "protocol/field_table.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <vector>

#include "tests/protocol/random_values.h"

namespace leveret::protocol {
namespace {

using namespace std::string_literals;

TEST(FieldTable, HoldsEveryType) {
  const std::string decimal = "\2\0\0\0\5"s;
  const FieldArrayBuilder array = FieldArrayBuilder{}.add("one").add(2).add(FieldTableBuilder{}.put("k", true));
  const FieldTableBuilder builder = FieldTableBuilder{}
                                        .put("t", true)
                                        .put("b", std::int8_t{-2})
                                        .put("B", std::uint8_t{200})
                                        .put("s", std::int16_t{-300})
                                        .put("u", std::uint16_t{60000})
                                        .put("I", -70000)
                                        .put("i", 4000000000U)
                                        .put("l", std::numeric_limits<std::int64_t>::min())
                                        .put("f", 0.5F)
                                        .put("d", 0.25)
                                        .put("T", Timestamp{1234})
                                        .put("S", "text")
                                        .put("x", as_octets("\1\2"))
                                        .put("F", FieldTableBuilder{}.put("inner", "value"))
                                        .put("A", array)
                                        .put("V", nullptr)
                                        .put_value("D", FieldValue{'D', as_octets(decimal)});
  const FieldTable table = builder.view();
  ASSERT_TRUE(FieldTable::validate(table.octets()));
  for (const auto& [name, value] : table) EXPECT_EQ(name, std::string(1, value.type()));

  EXPECT_EQ(table.find("t")->as_bool(), true);
  EXPECT_EQ(table.find("b")->as_integer(), -2);
  EXPECT_EQ(table.find("B")->as_integer(), 200);
  EXPECT_EQ(table.find("s")->as_integer(), -300);
  EXPECT_EQ(table.find("u")->as_integer(), 60000);
  EXPECT_EQ(table.find("I")->as_integer(), -70000);
  EXPECT_EQ(table.find("i")->as_integer(), 4000000000);
  EXPECT_EQ(table.find("l")->as_integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(table.find("f")->as_double(), 0.5);
  EXPECT_EQ(table.find("d")->as_double(), 0.25);
  EXPECT_EQ(table.find("T")->as_timestamp(), Timestamp{1234});
  EXPECT_FALSE(table.find("T")->is_integer());
  EXPECT_EQ(table.find("S")->as_text(), "text");
  EXPECT_EQ(as_text(table.find("x")->contents()), "\1\2");
  EXPECT_EQ(table.find("F")->as_table()->find("inner")->as_text(), "value");
  EXPECT_EQ(table.find("V")->type(), 'V');
  EXPECT_EQ(describe(table),
            "{t=true, b=-2, B=200, s=-300, u=60000, I=-70000, i=4000000000, l=-9223372036854775808, f=0.500000, "
            "d=0.250000, T=1234, S=\"text\", x=(2 octets), F={inner=\"value\"}, A=[\"one\", 2, {k=true}], V=void, "
            "D=5e-2}");
}

TEST(FieldTable, AnswersNothingForAnotherType) {
  const FieldTableBuilder builder = FieldTableBuilder{}.put("text", "1").put("number", 1);
  const FieldValue text = *builder.view().find("text");
  EXPECT_FALSE(text.as_bool() || text.as_integer() || text.as_double() || text.as_timestamp() || text.as_table() ||
               text.as_array());
  EXPECT_FALSE(builder.view().find("number")->as_text());
  EXPECT_FALSE(builder.view().find("absent"));
}

TEST(FieldTable, FindsTheFirstOfTwoSuchNames) {
  const FieldTableBuilder builder = FieldTableBuilder{}.put("a", 1).put("a", 2);
  EXPECT_EQ(builder.view().find("a")->as_integer(), 1);
}

TEST(FieldTable, CutsNamesTo255Octets) {
  const FieldTableBuilder builder = FieldTableBuilder{}.put(std::string(300, 'n'), 1);
  EXPECT_TRUE(builder.view().find(std::string(255, 'n')));
}

TEST(FieldTable, IsRefusedInEveryTruncationThatCutsAnEntry) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  for (int round = 0; round < 100; ++round) {
    const std::string encoded = values.table(3).take();
    std::set<std::size_t> ends{0};
    for (Octets rest = as_octets(encoded); !rest.empty();) {
      ASSERT_TRUE(take_field_entry(rest));
      ends.insert(encoded.size() - rest.size());
    }
    for (std::size_t size = 0; size <= encoded.size(); ++size) {
      const std::vector<std::uint8_t> cut{encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(size)};
      EXPECT_EQ(FieldTable::validate(cut).has_value(), ends.contains(size)) << size << " of " << encoded.size();
    }
  }
}

TEST(FieldTable, IsBuiltAgainFromItsOwnValues) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  for (int round = 0; round < 100; ++round) {
    const std::string encoded = values.table(4).take();
    FieldTableBuilder again;
    for (const auto& [name, value] : FieldTable{as_octets(encoded)}) again.put_value(name, value);
    EXPECT_EQ(again.take(), encoded);
  }
}

struct MalformedCase {
  std::string_view what;
  std::string entries;
};

std::ostream& operator<<(std::ostream& stream, const MalformedCase& row) {
  return stream << row.what;
}

class MalformedFieldTable : public testing::TestWithParam<MalformedCase> {};

TEST_P(MalformedFieldTable, IsRefusedAndSafeToWalk) {
  const std::string& text = GetParam().entries;
  const std::vector<std::uint8_t> entries{text.begin(), text.end()};
  const auto result = FieldTable::validate(entries);
  ASSERT_FALSE(result) << GetParam().what;
  EXPECT_EQ(result.error().code, ReplyCode::frame_error);
  for (const FieldEntry& entry : FieldTable{entries}) (void)entry.value.as_integer();
}

INSTANTIATE_TEST_SUITE_P(Entries, MalformedFieldTable,
                         testing::Values(MalformedCase{"a name longer than the table", "\x09"s + "abc"},
                                         MalformedCase{"a name without a value", "\1k"s},
                                         MalformedCase{"an unknown type", "\1k?\0"s},
                                         MalformedCase{"a type of newer dialects", "\1kU\0\0"s},
                                         MalformedCase{"text longer than the table", "\1kS\0\0\0\x09"s + "abc"},
                                         MalformedCase{"text with the largest size", "\1kS\xFF\xFF\xFF\xFF"s + "abc"},
                                         MalformedCase{"a size cut short", "\1kF\0\0"s},
                                         MalformedCase{"a number cut short", "\1kl\0\0\0"s},
                                         MalformedCase{"a malformed inner table", "\1kF\0\0\0\2\1a"s},
                                         MalformedCase{"a malformed inner array", "\1kA\0\0\0\1?"s}));

std::string nested(char type, int depth) {
  std::string encoded;
  for (int level = 0; level < depth; ++level) {
    FieldTableBuilder table;
    FieldArrayBuilder array;
    if (type == 'F') {
      table.put("k", FieldTable{as_octets(encoded)});
      encoded = table.take();
    } else {
      array.add(FieldArray{as_octets(encoded)});
      encoded = as_text(array.view().octets());
    }
  }
  return type == 'F' ? encoded : FieldTableBuilder{}.put("k", FieldArray{as_octets(encoded)}).take();
}

TEST(FieldTable, MayNest128Deep) {
  EXPECT_TRUE(FieldTable::validate(as_octets(nested('F', 127))));
  EXPECT_FALSE(FieldTable::validate(as_octets(nested('F', 129))));
  EXPECT_TRUE(FieldTable::validate(as_octets(nested('A', 126))));
  EXPECT_FALSE(FieldTable::validate(as_octets(nested('A', 129))));
}

TEST(FieldTable, RefusesHostileNestingWithoutExhaustingTheStack) {
  EXPECT_FALSE(FieldTable::validate(as_octets(nested('F', 5000))));
  EXPECT_FALSE(FieldTable::validate(as_octets(nested('A', 5000))));
}

struct EqualityCase {
  FieldTableBuilder left, right;
  bool is_equivalent, is_same_class;
};

std::ostream& operator<<(std::ostream& stream, const EqualityCase& row) {
  return stream << describe(row.left.view()) << " and " << describe(row.right.view());
}

class FieldEquality : public testing::TestWithParam<EqualityCase> {};

TEST_P(FieldEquality, FollowsErlang) {
  const FieldValue left = *GetParam().left.view().find("k");
  const FieldValue right = *GetParam().right.view().find("k");
  EXPECT_EQ(equivalent(left, right), GetParam().is_equivalent) << describe(left) << " and " << describe(right);
  EXPECT_EQ(equivalent(right, left), GetParam().is_equivalent);
  EXPECT_EQ(same_type_class(left, right), GetParam().is_same_class);
}

template <class T>
FieldTableBuilder k(const T& value) {
  return FieldTableBuilder{}.put("k", value);
}

INSTANTIATE_TEST_SUITE_P(
    Values, FieldEquality,
    testing::Values(EqualityCase{k(1), k(std::int64_t{1}), true, true}, EqualityCase{k(1), k(1.0), true, false},
                    EqualityCase{k(1), k(2), false, true}, EqualityCase{k(0.5F), k(0.5), true, true},
                    EqualityCase{k(std::numeric_limits<std::int64_t>::max()), k(9223372036854775808.0), false, false},
                    EqualityCase{k(Timestamp{1}), k(1), true, false}, EqualityCase{k("a"), k("a"), true, true},
                    EqualityCase{k("a"), k("b"), false, true}, EqualityCase{k("a"), k(as_octets("a")), true, false},
                    EqualityCase{k("1"), k(1), false, false}, EqualityCase{k(true), k(true), true, true},
                    EqualityCase{k(true), k(false), false, true}, EqualityCase{k(true), k(1), false, false},
                    EqualityCase{k(nullptr), k(nullptr), true, true}, EqualityCase{k(nullptr), k(0), false, false},
                    EqualityCase{k(k("a")), k(k("a")), true, true}, EqualityCase{k(k(1)), k(k(1.0)), false, true},
                    EqualityCase{k(k("a")), k(FieldTableBuilder{}), false, true},
                    EqualityCase{k(FieldArrayBuilder{}.add(1).add("x")), k(FieldArrayBuilder{}.add(1).add("x")), true,
                                 true},
                    EqualityCase{k(FieldArrayBuilder{}.add(1)), k(FieldArrayBuilder{}.add(1).add(2)), false, true}));

TEST(FieldEquality, TakesBothLettersOfInt64ForOne) {
  const std::string octets = "\0\0\0\0\0\0\0\1"s;
  EXPECT_TRUE(equivalent(FieldValue{'l', as_octets(octets)}, FieldValue{'L', as_octets(octets)}));
  EXPECT_TRUE(same_type_class(FieldValue{'l', as_octets(octets)}, FieldValue{'L', as_octets(octets)}));
}

}  // namespace
}  // namespace leveret::protocol
