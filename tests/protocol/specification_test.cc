#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "protocol/methods.h"
#include "protocol/properties.h"
#include "protocol/reply_code.h"

namespace leveret::protocol {
namespace {

using Lines = std::vector<std::vector<std::string>>;

Lines specification() {
  std::ifstream file{LEVERET_SPECIFICATION};
  Lines lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::vector<std::string> split{std::istream_iterator<std::string>{words}, {}};
    if (!split.empty() && split.front() != "#") lines.push_back(split);
  }
  return lines;
}

std::string type_of(bool) {
  return "bit";
}
std::string type_of(std::uint8_t) {
  return "octet";
}
std::string type_of(std::uint16_t) {
  return "short";
}
std::string type_of(std::uint32_t) {
  return "long";
}
std::string type_of(std::uint64_t) {
  return "longlong";
}
std::string type_of(DeliveryTag) {
  return "longlong";
}
std::string type_of(ShortString) {
  return "shortstr";
}
std::string type_of(LongString) {
  return "longstr";
}
std::string type_of(FieldTable) {
  return "table";
}

/// `basic.ack 60 80 content?: delivery-tag longlong, multiple bit, `
template <Method M>
std::string line_of() {
  std::ostringstream line;
  line << M::name << ' ' << M::id.class_id << ' ' << M::id.method_id << (content_follows<M> ? " content" : "") << ": ";
  std::apply([&](auto... field) { ((line << field.name << ' ' << type_of(M{}.*field.member) << ", "), ...); },
             M::fields);
  return line.str();
}

template <Method... Methods>
std::set<std::string> lines_of(MethodList<Methods...>) {
  return {line_of<Methods>()...};
}

/// The methods of the specification in the same form, of those that `sender` sends.
std::set<std::string> specified(const std::string& sender) {
  std::set<std::string> methods;
  std::string class_name;
  std::string class_number;
  std::string method;
  bool is_wanted = false;
  const auto finish = [&] {
    if (is_wanted) methods.insert(method);
    is_wanted = false;
  };
  for (const auto& words : specification()) {
    if (words[0] == "field") {
      method += words[1] + ' ' + words[2] + ", ";
      continue;
    }
    finish();
    if (words[0] == "class") {
      class_name = words[1];
      class_number = words[2];
    } else if (words[0] == "method") {
      is_wanted = words[3] == sender || words[3] == "both";
      method = class_name + '.' + words[1] + ' ' + class_number + ' ' + words[2] +
               (words.size() > 4 ? ' ' + words[4] : "") + ": ";
    }
  }
  finish();
  return methods;
}

TEST(Specification, IsRead) {
  EXPECT_GT(specification().size(), 200U);
}

TEST(Specification, HasTheMethodsOfAClient) {
  EXPECT_EQ(lines_of(ClientMethods{}), specified("client"));
}

TEST(Specification, HasTheMethodsOfAServer) {
  EXPECT_EQ(lines_of(ServerMethods{}), specified("server"));
}

TEST(Specification, HasTheBasicProperties) {
  std::vector<std::string> expected;
  for (const auto& words : specification())
    if (words[0] == "property") expected.push_back(words[1] + ' ' + (words[2] == "timestamp" ? "longlong" : words[2]));
  std::vector<std::string> actual;
  std::apply(
      [&](auto... field) {
        (actual.push_back(
             std::string{field.name} + ' ' +
             type_of(typename std::remove_cvref_t<decltype(BasicProperties{}.*field.member)>::value_type{})),
         ...);
      },
      BasicProperties::fields);
  EXPECT_EQ(actual, expected);
}

TEST(Specification, HasTheReplyCodes) {
  std::map<std::uint16_t, std::pair<std::string, std::string>> expected;
  for (const auto& words : specification())
    if (words[0] == "reply-code") expected[static_cast<std::uint16_t>(std::stoi(words[2]))] = {words[1], words[3]};
  for (std::uint16_t number = 0; number < 1000; ++number) {
    std::string name{name_of(ReplyCode{number})};
    for (char& letter : name) letter = letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
    EXPECT_EQ(name, expected.contains(number) ? expected[number].first : "") << number;
    if (expected.contains(number) && expected[number].second != "none") {
      EXPECT_EQ(scope_of(ReplyCode{number}), expected[number].second == "soft" ? Scope::channel : Scope::connection);
    }
  }
}

}  // namespace
}  // namespace leveret::protocol
