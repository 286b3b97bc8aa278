#include "broker/reply_address.h"

#include <array>
#include <charconv>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "broker/random.h"

namespace leveret::broker {
namespace {

/// Known to this process alone; a name from an earlier one is worth nothing.
const std::array<unsigned char, 32>& secret() {
  static const auto key = [] {
    std::array<unsigned char, 32> octets{};
    fill_with_random(octets);
    return octets;
  }();
  return key;
}

std::string seal_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret().data(), static_cast<int>(secret().size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string seal;
  for (std::size_t i = 0; i < 16; ++i) seal += fmt::format("{:02x}", digest[i]);
  return seal;
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{} || end == text.data() + text.size() || *end != '.') return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

std::string name_of(const ReplyAddress& address) {
  const std::string place =
      fmt::format("{:x}.{:x}.{:x}.", static_cast<std::uint64_t>(address.shard),
                  static_cast<std::uint64_t>(address.session), static_cast<std::uint64_t>(address.consumer));
  return fmt::format("{}.{}{}", reply_queue, place, seal_of(place));
}

std::optional<ReplyAddress> parse_reply_address(std::string_view name) {
  if (name.size() <= reply_queue.size() + 1 || !name.starts_with(reply_queue) || name[reply_queue.size()] != '.')
    return {};
  name.remove_prefix(reply_queue.size() + 1);
  std::string_view rest = name;
  const auto shard = take_number(rest);
  const auto session = shard ? take_number(rest) : std::nullopt;
  const auto consumer = session ? take_number(rest) : std::nullopt;
  if (!consumer) return {};
  const std::string seal = seal_of(name.substr(0, name.size() - rest.size()));
  if (rest.size() != seal.size() || CRYPTO_memcmp(rest.data(), seal.data(), seal.size()) != 0) return {};
  return ReplyAddress{ShardIndex{static_cast<std::uint16_t>(*shard)}, SessionId{*session}, ConsumerId{*consumer}};
}

}  // namespace leveret::broker
