#include "configuration/value.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/asio/ip/address.hpp>

namespace leveret::configuration {
namespace {

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

bool is_address(const std::string& text) {
  boost::system::error_code error;
  boost::asio::ip::make_address(text, error);
  return !error;
}

/// Powers of ten where a B follows, of two elsewhere, as RabbitMQ has them.
std::optional<std::uint64_t> factor_of(std::string unit) {
  boost::algorithm::to_lower(unit);
  if (unit.empty() || unit == "b") return 1;
  constexpr std::string_view letters = "kmgtp";
  const std::size_t power = letters.find(unit[0]);
  if (power == std::string_view::npos) return {};
  const std::string_view rest = std::string_view{unit}.substr(1);
  if (rest != "" && rest != "b" && rest != "i" && rest != "ib") return {};
  std::uint64_t factor = 1;
  for (std::size_t i = 0; i <= power; ++i) factor *= rest == "b" ? 1000 : 1024;
  return factor;
}

std::optional<std::uint64_t> octets_in(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = number_in<std::uint64_t>(text.substr(0, digits));
  const auto factor = factor_of(std::string{text.substr(std::min(text.find_first_not_of(' ', digits), text.size()))});
  if (!count || !factor || *count > INT64_MAX / *factor) return {};
  return *count * *factor;
}

std::optional<broker::ListenAddress> listener_in(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool has_host = colon != std::string_view::npos;
  const auto port = number_in<std::uint16_t>(has_host ? text.substr(colon + 1) : text);
  if (!port) return {};
  if (!has_host) return broker::ListenAddress{.port = *port};
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!is_address(std::string{host})) return {};
  return broker::ListenAddress{.host = std::string{host}, .port = *port};
}

/// Reads a text as one type or the other: false when it is none.
struct Reader {
  Value& value;
  std::string_view text;

  bool in_range(std::optional<std::uint64_t> number, std::uint64_t least, std::uint64_t most) const {
    value.number = number;
    return number && *number >= least && *number <= most;
  }
  bool operator()(const Number& type) const { return in_range(number_in<std::uint64_t>(text), type.least, type.most); }
  bool operator()(const Limit&) const {
    value.number = number_in<std::uint64_t>(text);
    return text == "infinity" || value.number;
  }
  bool operator()(const Octets& type) const { return in_range(octets_in(text), type.least, type.most); }
  bool operator()(const Share& type) const {
    value.share = number_in<double>(text).value_or(0);
    return value.share > 0 && value.share <= type.most;
  }
  bool operator()(const Flag&) const {
    value.flag = text == "true" || text == "on";
    return value.flag || text == "false" || text == "off";
  }
  bool operator()(const Text&) const { return true; }
  bool operator()(const Host&) const { return is_address(value.text); }
  bool operator()(const Listener&) const {
    const auto address = listener_in(text);
    if (address) value.address = *address;
    return address.has_value();
  }
  bool operator()(const File&) const {
    std::error_code error;
    return std::filesystem::exists(value.text, error);
  }
  bool operator()(const Word& type) const {
    std::istringstream words{std::string{type.words}};
    for (std::string word; words >> word;)
      if (word == text) return true;
    return false;
  }
};

struct Describer {
  std::string operator()(const Number& type) const {
    const std::string unit = type.unit.empty() ? "" : fmt::format(" {}", type.unit);
    return type.most == INT64_MAX ? fmt::format("a whole number from {}{}", type.least, unit)
                                  : fmt::format("a whole number from {} to {}{}", type.least, type.most, unit);
  }
  std::string operator()(const Limit&) const { return "a whole number, or infinity"; }
  std::string operator()(const Octets& type) const {
    const std::string octets = "octets, as 2000000, 2MB or 2MiB";
    return type.most == INT64_MAX ? octets : fmt::format("{}, from {} to {}", octets, type.least, type.most);
  }
  std::string operator()(const Share& type) const {
    return type.most > 1 ? "a number above 0" : fmt::format("a number above 0, up to {}", type.most);
  }
  std::string operator()(const Flag&) const { return "true or false"; }
  std::string operator()(const Text&) const { return "text"; }
  std::string operator()(const Host&) const { return "an IP address"; }
  std::string operator()(const Listener&) const { return "a port, or an IP address and port, as 127.0.0.1:5672"; }
  std::string operator()(const File&) const { return "a file or folder that is there"; }
  std::string operator()(const Word& type) const {
    return boost::algorithm::replace_all_copy(std::string{type.words}, " ", " or ");
  }
};

}  // namespace

std::optional<Value> parse_value(const Type& type, std::string_view text) {
  Value value{.text = std::string{text}};
  return std::visit(Reader{value, text}, type) ? std::optional{std::move(value)} : std::nullopt;
}

std::string description_of(const Type& type) {
  return std::visit(Describer{}, type);
}

}  // namespace leveret::configuration
