#include "broker/password_hash.h"

#include <array>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <boost/beast/core/detail/base64.hpp>

namespace leveret::broker {
namespace {

namespace base64 = boost::beast::detail::base64;

constexpr std::size_t salt_size = 4;

std::string salted_hash(std::string_view salt, std::string_view password) {
  std::string salted{salt};
  salted.append(password);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(salted.data()), salted.size(), digest.data());
  OPENSSL_cleanse(salted.data(), salted.size());
  std::string hash{salt};
  return hash.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::string encode(std::string_view octets) {
  std::string text(base64::encoded_size(octets.size()), '\0');
  text.resize(base64::encode(text.data(), octets.data(), octets.size()));
  return text;
}

std::string decode(std::string_view text) {
  std::string octets(base64::decoded_size(text.size()), '\0');
  octets.resize(base64::decode(octets.data(), text.data(), text.size()).first);
  return octets;
}

}  // namespace

std::string hash_password(std::string_view password) {
  std::array<unsigned char, salt_size> salt{};
  if (RAND_bytes(salt.data(), salt.size()) != 1) throw std::runtime_error{"no random numbers for a password's salt"};
  return encode(salted_hash({reinterpret_cast<const char*>(salt.data()), salt.size()}, password));
}

bool password_matches(std::string_view password, std::string_view hash) {
  const std::string stored = decode(hash);
  if (stored.size() != salt_size + SHA256_DIGEST_LENGTH) return false;
  const std::string given = salted_hash(std::string_view{stored}.substr(0, salt_size), password);
  return CRYPTO_memcmp(given.data(), stored.data(), stored.size()) == 0;
}

}  // namespace leveret::broker
