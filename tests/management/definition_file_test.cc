#include "management/definition_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/management/http_test.h"

/// Definitions that come from a file when the broker starts.
namespace leveret::test {
namespace {

class DefinitionFileTest : public HttpTest {
 protected:
  DefinitionFileTest() : HttpTest({}, {.broker = {.shards = shards_under_test(), .makes_defaults = false}}) {}

  std::filesystem::path file(std::string_view content) {
    const auto path = directory_.path() / "definitions.json";
    std::ofstream{path} << content;
    return path;
  }
  /// The complaint about a file; empty when it has been imported.
  std::string import(const std::filesystem::path& path) {
    try {
      management::import_definition_file(router_, path);
      return {};
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  TemporaryDirectory directory_{};
};

TEST_F(DefinitionFileTest, AloneSayWhoMayDoWhat) {
  EXPECT_EQ(get("/api/whoami").status, 401u) << "no guest is made";
  EXPECT_EQ(import(file(R"({"users":[{"name":"ann","password":"secret","tags":"administrator"}],
      "vhosts":[{"name":"orders"}],
      "permissions":[{"user":"ann","vhost":"orders","configure":".*","write":".*","read":".*"}],
      "queues":[{"name":"jobs","vhost":"orders","durable":true,"auto_delete":false,"arguments":{}}]})")),
            "");
  EXPECT_EQ(get_as("ann:secret", "/api/queues/orders/jobs").status, 200u);
}

TEST_F(DefinitionFileTest, AreRefusedWithTheReason) {
  const auto path = file(R"({"queues":[{"name":"a","vhost":"nosuch"}]})");
  EXPECT_EQ(import(path), "cannot import the definitions in " + path.string() + ": [\"no_such_vhost\",\"nosuch\"]");
  EXPECT_EQ(import(file("{")), "cannot import the definitions in " + path.string() + ": failed_to_parse_json");
  EXPECT_EQ(import("/no/such"), "cannot read the definitions in /no/such");
}

}  // namespace
}  // namespace leveret::test
