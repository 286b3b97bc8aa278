#include "broker/amqp/names.h"

#include <array>

#include "broker/random.h"

namespace leveret::broker::amqp {

std::string without_line_breaks(std::string_view name) {
  std::string cleaned{name};
  std::erase_if(cleaned, [](char c) { return c == '\r' || c == '\n'; });
  return cleaned;
}

std::string make_name(std::string_view prefix) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 22> random{};
  fill_with_random(random);
  std::string name{prefix};
  for (const unsigned char octet : random) name.push_back(alphabet[octet % alphabet.size()]);
  return name;
}

}  // namespace leveret::broker::amqp
