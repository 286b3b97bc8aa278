#include "management/target.h"

#include <algorithm>

#include <fmt/format.h>

namespace leveret::management {
namespace {

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { as_is, is_space };

std::optional<std::string> decoded(std::string_view text, Plus plus) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::is_space) {
      octets.push_back(' ');
    } else if (text[i] != '%') {
      octets.push_back(text[i]);
    } else {
      const bool is_whole = i + 2 < text.size();
      const int high = is_whole ? hexadecimal(text[i + 1]) : -1;
      const int low = is_whole ? hexadecimal(text[i + 2]) : -1;
      if (high < 0 || low < 0) return {};
      octets.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return octets;
}

/// Takes what stands before the separator off `text`, and the separator.
std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    const std::string_view name = take_until(value, '=');
    auto decoded_name = decoded(name, Plus::is_space);
    auto decoded_value = decoded(value, Plus::is_space);
    if (!decoded_name || !decoded_value) return {};
    if (!name.empty()) pairs.emplace_back(*std::move(decoded_name), *std::move(decoded_value));
  }
  return pairs;
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  text = text.substr(0, text.find('#'));
  std::string_view path = take_until(text, '?');
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    auto segment = decoded(take_until(path, '/'), Plus::as_is);
    if (!segment) return {};
    target.segments.push_back(*std::move(segment));
  }
  auto query = parse_query(text);
  if (!query) return {};
  target.query = *std::move(query);
  return target;
}

std::string percent_encoded(std::string_view octets) {
  std::string encoded;
  for (const char c : octets) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain)
      encoded.push_back(c);
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace leveret::management
