#include "broker/amqp/sasl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/broker.h"
#include "protocol/field_table.h"

namespace leveret::broker::amqp {
namespace {

using namespace std::string_literals;

TEST(Sasl, KnowsTheMechanismsItOffers) {
  for (const auto mechanism : {SaslMechanism::plain, SaslMechanism::amqplain, SaslMechanism::anonymous}) {
    EXPECT_EQ(sasl_mechanism(name_of(mechanism)), mechanism);
    EXPECT_THAT(BrokerOptions{}.auth_mechanisms, testing::Contains(name_of(mechanism)));
  }
  EXPECT_FALSE(sasl_mechanism("plain"));
  EXPECT_FALSE(sasl_mechanism("EXTERNAL"));
}

/// A user and password, or nothing for a response that is malformed.
struct PlainCase {
  std::string response{};
  std::optional<Credentials> credentials{};
};

std::ostream& operator<<(std::ostream& stream, const PlainCase& row) {
  return stream << testing::PrintToString(row.response);
}

class SaslPlain : public testing::TestWithParam<PlainCase> {};

TEST_P(SaslPlain, IsReadAsRfc4616Says) {
  const auto& [response, expected] = GetParam();
  const auto credentials = parse_plain(response);
  ASSERT_EQ(credentials.has_value(), expected.has_value());
  if (!expected) return;
  EXPECT_EQ(credentials->user, expected->user);
  EXPECT_EQ(credentials->password, expected->password);
}
INSTANTIATE_TEST_SUITE_P(
    Responses, SaslPlain,
    testing::Values(PlainCase{"\0guest\0secret"s, Credentials{.user = "guest", .password = "secret"}},
                    PlainCase{"somebody\0guest\0secret"s}, PlainCase{"\0guest\0"s, Credentials{.user = "guest"}},
                    PlainCase{"\0\0"s, Credentials{}},
                    PlainCase{"\0g\xc3\xbcst\0p w"s, Credentials{.user = "g\xc3\xbcst", .password = "p w"}},
                    PlainCase{""s}, PlainCase{"guest"s}, PlainCase{"\0guest"s}, PlainCase{"\0guest\0sec\0ret"s}));

TEST(SaslAmqplain, IsATableWithoutItsSize) {
  protocol::FieldTableBuilder table;
  table.put("PASSWORD", std::string_view{"secret"}).put("more", 1).put("LOGIN", std::string_view{"guest"});
  const auto credentials = parse_amqplain(protocol::as_text(table.view().octets()));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, "guest");
  EXPECT_EQ(credentials->password, "secret");
}

TEST(SaslAmqplain, RefusesWhatLacksSomething) {
  protocol::FieldTableBuilder without_password;
  without_password.put("LOGIN", std::string_view{"guest"});
  EXPECT_FALSE(parse_amqplain(""));
  EXPECT_FALSE(parse_amqplain("\x05LOGIN"));
  EXPECT_FALSE(parse_amqplain(protocol::as_text(without_password.view().octets())));
}

TEST(SaslAmqplain, TakesAPasswordThatIsNoTextForAnEmptyOne) {
  protocol::FieldTableBuilder table;
  table.put("LOGIN", std::string_view{"guest"}).put("PASSWORD", 1);
  const auto credentials = parse_amqplain(protocol::as_text(table.view().octets()));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->password, "");
}

}  // namespace
}  // namespace leveret::broker::amqp
