#include "protocol/utf8.h"

#include <gtest/gtest.h>

namespace leveret::protocol {
namespace {

struct Utf8Case {
  std::string_view text;
  bool is_valid;
};

std::ostream& operator<<(std::ostream& stream, const Utf8Case& row) {
  return stream << testing::PrintToString(row.text);
}

class Utf8 : public testing::TestWithParam<Utf8Case> {};

TEST_P(Utf8, IsRecognised) {
  EXPECT_EQ(is_utf8(GetParam().text), GetParam().is_valid);
}

INSTANTIATE_TEST_SUITE_P(WellFormed, Utf8,
                         testing::Values(Utf8Case{"", true}, Utf8Case{"plain", true}, Utf8Case{"h\xC3\xA9", true},
                                         Utf8Case{"\xE2\x82\xAC", true}, Utf8Case{"\xF0\x9F\x90\xB0", true},
                                         Utf8Case{"\xF4\x8F\xBF\xBF", true}, Utf8Case{"\xED\x9F\xBF", true}));

INSTANTIATE_TEST_SUITE_P(Malformed, Utf8,
                         testing::Values(Utf8Case{"\xFF", false}, Utf8Case{"\x80", false}, Utf8Case{"\xC3", false},
                                         Utf8Case{"\xC3z", false}, Utf8Case{"\xC0\x80", false},
                                         Utf8Case{"\xE0\x80\x80", false}, Utf8Case{"\xED\xA0\x80", false},
                                         Utf8Case{"\xF4\x90\x80\x80", false}, Utf8Case{"\xF0\x9F\x90", false},
                                         Utf8Case{"\xF8\x88\x80\x80\x80", false}));

}  // namespace
}  // namespace leveret::protocol
