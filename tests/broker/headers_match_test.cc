#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "broker/exchanges/headers_match.h"

namespace leveret::broker {
namespace {

using protocol::FieldTableBuilder;

struct HeadersCase {
  std::string name{};
  FieldTableBuilder criteria{};
  FieldTableBuilder headers{};
  bool matches = false;
};

std::ostream& operator<<(std::ostream& stream, const HeadersCase& row) {
  return stream << row.name;
}

void put_entries(FieldTableBuilder&) {}
template <class T, class... Rest>
void put_entries(FieldTableBuilder& builder, std::string_view name, const T& value, const Rest&... rest) {
  builder.put(name, value);
  put_entries(builder, rest...);
}

/// A table of names and values in turn.
template <class... Entries>
FieldTableBuilder table(const Entries&... entries) {
  FieldTableBuilder builder;
  put_entries(builder, entries...);
  return builder;
}

constexpr std::string_view all = "all", any = "any", all_with_x = "all-with-x", any_with_x = "any-with-x";
constexpr std::string_view red = "red", blue = "blue";

class HeadersMatch : public testing::TestWithParam<HeadersCase> {};

TEST_P(HeadersMatch, FollowsXMatch) {
  const auto& row = GetParam();
  EXPECT_EQ(headers_match(row.criteria.view(), row.headers.view()), row.matches) << row.name;
}

INSTANTIATE_TEST_SUITE_P(
    All, HeadersMatch,
    testing::Values(HeadersCase{"no criteria, no headers", table(), table(), true},
                    HeadersCase{"no criteria", table(), table("colour", red), true},
                    HeadersCase{"all is the default", table("colour", red), table("colour", red), true},
                    HeadersCase{"the default asks for each", table("colour", red, "size", 1), table("colour", red),
                                false},
                    HeadersCase{"each", table("x-match", all, "colour", red, "size", 1),
                                table("size", 1, "colour", red, "more", true), true},
                    HeadersCase{"another value", table("x-match", all, "colour", red), table("colour", blue), false},
                    HeadersCase{"no header", table("x-match", all, "colour", red), table(), false},
                    HeadersCase{"x-match is no criterion", table("x-match", all), table(), true}));

INSTANTIATE_TEST_SUITE_P(Any, HeadersMatch,
                         testing::Values(HeadersCase{"no criteria", table("x-match", any), table("colour", red), false},
                                         HeadersCase{"one of two", table("x-match", any, "colour", red, "size", 1),
                                                     table("size", 1), true},
                                         HeadersCase{"none of two", table("x-match", any, "colour", red, "size", 1),
                                                     table("size", 2), false}));

INSTANTIATE_TEST_SUITE_P(
    KeysWithX, HeadersMatch,
    testing::Values(
        HeadersCase{"are left out by all", table("x-match", all, "x-colour", red), table(), true},
        HeadersCase{"are left out by any", table("x-match", any, "x-colour", red), table("x-colour", red), false},
        HeadersCase{"count for all-with-x", table("x-match", all_with_x, "x-colour", red), table(), false},
        HeadersCase{"hold for all-with-x", table("x-match", all_with_x, "x-colour", red), table("x-colour", red), true},
        HeadersCase{"hold for any-with-x", table("x-match", any_with_x, "x-colour", red, "size", 1),
                    table("x-colour", red), true},
        HeadersCase{"x-match itself never counts", table("x-match", any_with_x), table("x-match", any_with_x), false}));

INSTANTIATE_TEST_SUITE_P(
    Values, HeadersMatch,
    testing::Values(HeadersCase{"integers of any size", table("n", std::int8_t{1}), table("n", std::int64_t{1}), true},
                    HeadersCase{"an integer and a real", table("n", 1), table("n", 1.0), true},
                    HeadersCase{"a real and an integer", table("n", 1.0), table("n", 1), true},
                    HeadersCase{"a number and its text", table("n", 1), table("n", std::string_view{"1"}), false},
                    HeadersCase{"true and 1", table("n", true), table("n", 1), false},
                    HeadersCase{"void asks for presence", table("n", nullptr), table("n", red), true},
                    HeadersCase{"void and nothing", table("n", nullptr), table("m", red), false},
                    HeadersCase{"void and void", table("n", nullptr), table("n", nullptr), true},
                    HeadersCase{"a value and void", table("n", red), table("n", nullptr), false},
                    HeadersCase{"tables", table("n", table("a", 1)), table("n", table("a", 1)), true},
                    HeadersCase{"unlike tables", table("n", table("a", 1)), table("n", table("a", 2)), false}));

}  // namespace
}  // namespace leveret::broker
