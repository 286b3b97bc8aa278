#include "protocol/reply_code.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace leveret::protocol {
namespace {

TEST(AmqpError, NamesItsCodeBeforeItsText) {
  EXPECT_EQ(not_found("no queue 'a' in vhost '/'").reply_text(), "NOT_FOUND - no queue 'a' in vhost '/'");
  EXPECT_EQ(internal_error("").reply_text(), "INTERNAL_ERROR");
}

TEST(AmqpError, CutsALongText) {
  const std::string text = not_found(std::string(300, 'x')).reply_text();
  EXPECT_EQ(text.size(), 255U);
  EXPECT_EQ(text.substr(250), "xx...");
  EXPECT_EQ(not_found(std::string(243, 'x')).reply_text(), "NOT_FOUND - " + std::string(243, 'x'));
}

TEST(AmqpError, ClosesTheScopeOfItsCodeUnlessToldOtherwise) {
  AmqpError error = access_refused("no");
  EXPECT_EQ(error.scope(), Scope::channel);
  error.scope_override = Scope::connection;
  EXPECT_EQ(error.scope(), Scope::connection);
  EXPECT_EQ(not_allowed("no").scope(), Scope::connection);
}

TEST(Result, OfARefusalHasNoValue) {
  const Result<int> refused = not_found("it");
  EXPECT_FALSE(refused);
  EXPECT_THROW((void)refused.value(), std::logic_error);
}

}  // namespace
}  // namespace leveret::protocol
