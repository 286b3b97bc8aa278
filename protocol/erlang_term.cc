#include "protocol/erlang_term.h"

#include <algorithm>
#include <array>
#include <utility>

namespace leveret::protocol {
namespace {

constexpr std::array<std::pair<std::uint8_t, const char*>, 9> escapes{{{'\b', "\\b"},
                                                                       {'\t', "\\t"},
                                                                       {'\n', "\\n"},
                                                                       {'\v', "\\v"},
                                                                       {'\f', "\\f"},
                                                                       {'\r', "\\r"},
                                                                       {0x1B, "\\e"},
                                                                       {'"', "\\\""},
                                                                       {'\\', "\\\\"}}};

const char* escape_of(std::uint8_t octet) {
  const auto* found = std::find_if(escapes.begin(), escapes.end(), [&](auto& escape) { return escape.first == octet; });
  return found == escapes.end() ? nullptr : found->second;
}

bool is_printable(std::uint8_t octet) {
  return (octet >= 0x20 && octet < 0x7F) || octet >= 0xA0 || escape_of(octet) != nullptr;
}

}  // namespace

std::string erlang_octets(Octets octets, std::size_t count_max) {
  std::string text = "<<";
  for (const std::uint8_t octet : octets.first(std::min(octets.size(), count_max))) {
    if (text.size() > 2) text += ',';
    text += std::to_string(octet);
  }
  return text += ">>";
}

std::string erlang_pretty(Octets octets, std::size_t column) {
  constexpr std::size_t line_width = 80;
  std::string text = "<<";
  if (!octets.empty() && std::all_of(octets.begin(), octets.end(), is_printable)) {
    text += '"';
    for (const std::uint8_t octet : octets) {
      if (const char* escape = escape_of(octet))
        text += escape;
      else
        text += static_cast<char>(octet);
    }
    return text += "\">>";
  }
  const std::size_t indent = column + text.size();
  std::size_t at = indent;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::string item = std::to_string(octets[i]) + (i + 1 < octets.size() ? "," : "");
    if (i > 0 && at + item.size() > line_width) {
      text += '\n';
      text.append(indent, ' ');
      at = indent;
    }
    text += item;
    at += item.size();
  }
  return text += ">>";
}

}  // namespace leveret::protocol
