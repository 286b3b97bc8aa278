#include "management/base64.h"

#include <boost/beast/core/detail/base64.hpp>

namespace leveret::management {

namespace base64 = boost::beast::detail::base64;

std::string encode_base64(std::string_view octets) {
  std::string text(base64::encoded_size(octets.size()), '\0');
  text.resize(base64::encode(text.data(), octets.data(), octets.size()));
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  std::string octets(base64::decoded_size(text.size()), '\0');
  const auto [size, read] = base64::decode(octets.data(), text.data(), text.size());
  const std::string_view padding = text.substr(read);
  if (padding.size() > 2 || padding.find_first_not_of('=') != std::string_view::npos) return {};
  octets.resize(size);
  return octets;
}

}  // namespace leveret::management
