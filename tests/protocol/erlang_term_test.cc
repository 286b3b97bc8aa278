#include "protocol/erlang_term.h"

#include <gtest/gtest.h>

namespace leveret::protocol {
namespace {

using namespace std::string_literals;

TEST(ErlangTerm, ListsOctets) {
  EXPECT_EQ(erlang_octets({}), "<<>>");
  EXPECT_EQ(erlang_octets(as_octets("\0a\xFF"s)), "<<0,97,255>>");
  EXPECT_EQ(erlang_octets(as_octets("abc"), 2), "<<97,98>>");
}

TEST(ErlangTerm, QuotesPrintableOctets) {
  EXPECT_EQ(erlang_pretty(as_octets("abc"), 0), "<<\"abc\">>");
  EXPECT_EQ(erlang_pretty(as_octets("a\"\\\n\t"), 0), R"(<<"a\"\\\n\t">>)");
  EXPECT_EQ(erlang_pretty({}, 0), "<<>>");
  EXPECT_EQ(erlang_pretty(as_octets("a\1"), 0), "<<97,1>>");
}

TEST(ErlangTerm, BreaksListsAtTheWidthOfALine) {
  const std::string_view octets{"\0\x32\0\x63hello world,", 16};
  EXPECT_EQ(erlang_pretty(as_octets(octets), 26),
            "<<0,50,0,99,104,101,108,108,111,32,119,111,114,108,\n" + std::string(28, ' ') + "100,44>>");
}

}  // namespace
}  // namespace leveret::protocol
