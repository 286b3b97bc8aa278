#include "broker/password_hash.h"

#include <gtest/gtest.h>

namespace leveret::broker {
namespace {

// base64(salt | SHA-256(salt | password)), computed apart from the code under test.
constexpr std::string_view hash_of_leveret = "kI3GCraI0UKvV9jdRj4TNeN5E9hvtjtUhDk4DqdEIZfYwuPX";
constexpr std::string_view hash_of_nothing = "AP8QIEAz5vIpFkki8WAPAKLazSLpubva1Y+C3ZUJWwu2SOuD";

TEST(PasswordHash, IsRabbitMqsSaltedSha256) {
  EXPECT_TRUE(password_matches("leveret", hash_of_leveret));
  EXPECT_FALSE(password_matches("Leveret", hash_of_leveret));
  EXPECT_FALSE(password_matches("", hash_of_leveret));
  EXPECT_TRUE(password_matches("", hash_of_nothing));
}

TEST(PasswordHash, MayBeOfAnotherAlgorithm) {
  constexpr std::string_view md5 = "kI3GCnkwHX1Ljs+EXIxVYZDm/yk=";
  constexpr std::string_view sha512 =
      "kI3GCnPhTKCvwYM2i8MnVlpFemPCj0FQBujjsGjhxlwj/L3ELN30mp5EbXB43Ll6GubyYFP5GdY1fFrsRPiC7pbfoFo=";
  EXPECT_TRUE(password_matches("leveret", md5, "rabbit_password_hashing_md5"));
  EXPECT_FALSE(password_matches("Leveret", md5, "rabbit_password_hashing_md5"));
  EXPECT_TRUE(password_matches("leveret", sha512, "rabbit_password_hashing_sha512"));
  EXPECT_FALSE(password_matches("leveret", sha512));
  EXPECT_FALSE(password_matches("leveret", md5, "foo"));
}

TEST(PasswordHash, IsBase64) {
  EXPECT_TRUE(is_base64(hash_of_leveret));
  EXPECT_TRUE(is_base64(""));
  EXPECT_FALSE(is_base64("!!"));
  EXPECT_FALSE(is_base64("abc"));
}

TEST(PasswordHash, IsSaltedAnewEachTime) {
  const std::string first = hash_password("secret");
  const std::string second = hash_password("secret");
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), 48u);
  for (const auto& hash : {first, second}) {
    EXPECT_TRUE(password_matches("secret", hash));
    EXPECT_FALSE(password_matches("secret ", hash));
  }
}

TEST(PasswordHash, OfAnotherFormMatchesNothing) {
  for (const std::string_view hash : {"", "secret", "!!!!", "kI3GCg==", "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENU="})
    for (const std::string_view password : {"", "secret", "test12"}) EXPECT_FALSE(password_matches(password, hash));
}

}  // namespace
}  // namespace leveret::broker
