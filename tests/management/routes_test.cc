#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "management/router.h"
#include "management/target.h"
#include "tests/management/http_test.h"

/// The table of routes, and what is made of it.
namespace leveret::test {
namespace {

using management::Method;
using management::Right;
using management::Route;

TEST(Routes, NameEveryHandler) {
  const std::string folder = LEVERET_MANAGEMENT_DIRECTORY;
  std::ifstream header{folder + "/handlers.h"};
  std::ifstream table{folder + "/routes.cc"};
  const std::string text{std::istreambuf_iterator<char>{table}, {}};
  const std::regex declaration{R"(^(Response|Asking) (\w+)\()"};
  int handlers = 0;
  for (std::string line; std::getline(header, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, declaration)) continue;
    ++handlers;
    EXPECT_NE(text.find(", " + match[2].str() + ","), std::string::npos) << match[2] << " is in no route";
  }
  EXPECT_GT(handlers, 60);
}

TEST(Routes, AreEachThereOnce) {
  std::set<std::pair<std::string_view, Method>> seen;
  for (const Route& route : management::routes())
    EXPECT_TRUE(seen.emplace(route.path, route.method).second) << route.path;
}

class RoutesTest : public HttpTest {
 protected:
  static std::string name_of(Method method) {
    return method == Method::get ? "GET" : method == Method::put ? "PUT" : method == Method::post ? "POST" : "DELETE";
  }
  /// The route's path with the same text for each of its parameters.
  static std::string path_of(const Route& route, const std::string& parameter) {
    return std::regex_replace(std::string{route.path}, std::regex{R"(\{[^}]*\})"}, parameter);
  }
};

TEST_F(RoutesTest, AreAllInTheOpenApiDocument) {
  const json::value document = send({.path = "/api/openapi.json", .user = ""}).json();
  for (const Route& route : management::routes()) {
    std::string method = name_of(route.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const auto& operation = document.at("paths").at(route.path).at(method);
    EXPECT_EQ(operation.at("summary").as_string(), route.summary);
    EXPECT_EQ(operation.as_object().contains("requestBody"), !route.body.empty()) << route.path;
  }
}

TEST_F(RoutesTest, AskForAPassword) {
  for (const Route& route : management::routes()) {
    if (route.right == Right::anyone) continue;
    const auto response = send({.method = name_of(route.method), .path = path_of(route, "x"), .user = ""});
    EXPECT_EQ(response.status, 401u) << route.path;
  }
}

TEST_F(RoutesTest, RefuseUsersWithoutTheRight) {
  ASSERT_EQ(put("/api/users/ann", R"({"password":"x","tags":"management"})").status, 201u);
  ASSERT_EQ(put("/api/users/bob", R"({"password":"x","tags":""})").status, 201u);
  for (const Route& route : management::routes()) {
    if (route.right == Right::anyone) continue;
    const std::string method = name_of(route.method);
    EXPECT_EQ(send({.method = method, .path = path_of(route, "%2F"), .user = "bob:x"}).status, 401u) << route.path;
    if (route.right == Right::user) continue;
    const auto answer = send({.method = method, .path = path_of(route, "%2F"), .user = "ann:x"});
    EXPECT_EQ(answer.status, 401u) << method << " " << route.path << " " << answer.body;
  }
}

TEST_F(RoutesTest, AnswerMalformedBodiesWithoutFailing) {
  for (const Route& route : management::routes()) {
    if (route.body.empty()) continue;
    for (const std::string body : {"{", "[]", "5", "\"x\"", "{\"name\":\"\xff\"}", "nul", "{\"a\":1}}"}) {
      const auto response = send({.method = name_of(route.method), .path = path_of(route, "%2F"), .body = body});
      EXPECT_GE(response.status, 400u) << name_of(route.method) << " " << route.path << " " << body;
      EXPECT_LT(response.status, 500u) << name_of(route.method) << " " << route.path << " " << body << response.body;
    }
  }
}

/// The members of a route's body, each with a value of a type that it cannot have.
TEST_F(RoutesTest, AnswerMembersOfWrongTypesWithoutFailing) {
  const std::regex member{R"((\w+)\*?: (\w+))"};
  for (const Route& route : management::routes()) {
    const std::string body{route.body};
    for (std::sregex_iterator i{body.begin(), body.end(), member}, end; i != end; ++i)
      for (const std::string wrong : {"5", "\"x\"", "true", "[5]", "{\"a\":null}", "[[[]]]", "1e400", "-1"}) {
        const auto response = send({.method = name_of(route.method),
                                    .path = path_of(route, "%2F"),
                                    .body = "{\"" + (*i)[1].str() + "\":" + wrong + "}"});
        EXPECT_LT(response.status, 500u) << name_of(route.method) << " " << route.path << " " << (*i)[1] << "=" << wrong
                                         << response.body;
      }
  }
}

TEST_F(RoutesTest, AnswerOddPathsWithoutFailing) {
  const std::vector<std::string> odd_parameters{"%00", "%ff%fe", "%F0%9F%90%87",       "a%2Fb",
                                                "..",  "%25",    std::string(300, 'x')};
  for (const Route& route : management::routes()) {
    if (route.path.find('{') == std::string_view::npos) continue;
    for (const std::string& odd : odd_parameters) {
      const auto response = send({.method = name_of(route.method), .path = path_of(route, odd), .body = "{}"});
      EXPECT_TRUE(response.status < 500 || response.status == 503)  // a health check's no
          << response.status << " " << name_of(route.method) << " " << route.path << " " << odd << response.body;
    }
  }
}

TEST(Target, IsTakenApartAndDecoded) {
  const auto target = management::parse_target("/api/queues/%2F/a+b?x=1+2&y=%26&z#f");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->segments, ElementsAre("api", "queues", "/", "a+b"));
  EXPECT_THAT(target->query, ElementsAre(testing::Pair("x", "1 2"), testing::Pair("y", "&"), testing::Pair("z", "")));
  for (const auto malformed : {"/%", "/%4", "/%4g", "/a?%"}) EXPECT_FALSE(management::parse_target(malformed));
}

}  // namespace
}  // namespace leveret::test
