#include "broker/password_hash.h"

#include <array>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <boost/beast/core/detail/base64.hpp>

#include "broker/random.h"

namespace leveret::broker {
namespace {

namespace base64 = boost::beast::detail::base64;

constexpr std::size_t salt_size = 4;

std::string salted_hash(const EVP_MD* algorithm, std::string_view salt, std::string_view password) {
  std::string salted{salt};
  salted.append(password);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(salted.data(), salted.size(), digest.data(), &size, algorithm, nullptr) != 1)
    throw std::runtime_error{"cannot hash a password: the cryptographic library refuses the algorithm"};
  OPENSSL_cleanse(salted.data(), salted.size());
  std::string hash{salt};
  return hash.append(reinterpret_cast<const char*>(digest.data()), size);
}

/// Nothing for one that is not known.
const EVP_MD* algorithm_named(std::string_view name) {
  if (name == "rabbit_password_hashing_sha256") return EVP_sha256();
  if (name == "rabbit_password_hashing_sha512") return EVP_sha512();
  if (name == "rabbit_password_hashing_md5") return EVP_md5();
  return nullptr;
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
  fill_with_random(salt);
  return encode(salted_hash(EVP_sha256(), {reinterpret_cast<const char*>(salt.data()), salt.size()}, password));
}

bool password_matches(std::string_view password, std::string_view hash, std::string_view algorithm_name) {
  const EVP_MD* algorithm = algorithm_named(algorithm_name);
  const std::string stored = decode(hash);
  if (!algorithm || stored.size() != salt_size + static_cast<std::size_t>(EVP_MD_get_size(algorithm))) return false;
  const std::string given = salted_hash(algorithm, std::string_view{stored}.substr(0, salt_size), password);
  return CRYPTO_memcmp(given.data(), stored.data(), stored.size()) == 0;
}

bool is_hashing_algorithm(std::string_view name) {
  return algorithm_named(name) != nullptr;
}

bool is_base64(std::string_view text) {
  return text.size() % 4 == 0 && encode(decode(text)) == text;
}

}  // namespace leveret::broker
