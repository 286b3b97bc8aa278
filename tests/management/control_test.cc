#include "management/control/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "tests/management/http_test.h"

/// rabbitmqctl and its sisters, over the local socket.
namespace leveret::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string output{};
  std::string errors{};
};

Outcome run_in(const std::filesystem::path& directory, std::string_view tool, std::vector<std::string> words) {
  words.insert(words.end(), {"--data-dir", directory.string(), "-n", "rabbit@here"});
  std::ostringstream output;
  std::ostringstream errors;
  const int status = management::control::run(tool, words, output, errors);
  return {.status = status, .output = output.str(), .errors = errors.str()};
}

struct HasDirectory {
  TemporaryDirectory directory_{};
};

class ControlTest : protected HasDirectory, public HttpTest {
 protected:
  ControlTest() : HttpTest({.local_socket = directory_.path() / "control.sock"}) {}

  Outcome run(std::vector<std::string> words, std::string_view tool = "rabbitmqctl") {
    return run_in(directory_.path(), tool, std::move(words));
  }
  /// What is printed by a command that succeeds.
  std::string output_of(std::vector<std::string> words) {
    const Outcome outcome = run(std::move(words));
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(outcome.errors, "");
    return outcome.output;
  }
};

TEST_F(ControlTest, OnlyTheOwnerMayUseItsSocket) {
  struct stat status {};
  ASSERT_EQ(::stat((directory_.path() / "control.sock").c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(ControlTest, PingSucceeds) {
  EXPECT_EQ(output_of({"-q", "ping"}), "Ping succeeded\n");
  EXPECT_EQ(output_of({"ping"}),
            "Will ping rabbit@here. This only checks if the OS process is running and registered with epmd. Timeout: "
            "60000 ms.\nPing succeeded\n");
}

TEST_F(ControlTest, ChecksSaySoWhenAllIsWell) {
  EXPECT_EQ(output_of({"-q", "check_running"}), "RabbitMQ on node rabbit@here is fully booted and running\n");
  EXPECT_EQ(output_of({"check_local_alarms"}),
            "Asking node rabbit@here to report any local resource alarms ...\n"
            "Node rabbit@here reported no local alarms\n");
  EXPECT_EQ(output_of({"-q", "check_virtual_hosts"}), "Node rabbit@here reported all vhosts as running\n");
  std::vector<std::uint16_t> ports{broker_.port(), http_.port()};
  std::sort(ports.begin(), ports.end());
  EXPECT_EQ(output_of({"-q", "check_port_connectivity"}),
            fmt::format("Successfully connected to ports {}, {} on node rabbit@here.\n", ports[0], ports[1]));
  EXPECT_EQ(output_of({"-q", "check_port_listener", std::to_string(broker_.port())}),
            fmt::format("A listener for port {} is running on node rabbit@here.\n", broker_.port()));
  EXPECT_EQ(run({"check_port_listener", "1"}).status, 69);
  EXPECT_EQ(output_of({"await_startup"}), "");
}

TEST_F(ControlTest, AlarmsBeginWhereTheyAreSet) {
  const std::string node{get("/api/overview").json().at("node").as_string()};
  EXPECT_EQ(output_of({"set_vm_memory_high_watermark", "0.000001"}),
            "Setting memory threshold on rabbit@here to 0.000001 ...\n");
  const auto local = run({"-q", "check_local_alarms"});
  EXPECT_EQ(local.status, 69);
  EXPECT_EQ(local.errors, "Error:\nMemory alarm on node " + node + "\n");
  const auto all = run({"-q", "check_alarms"});
  EXPECT_EQ(all.status, 69);
  EXPECT_EQ(all.output, "Memory alarm on node " + node + "\n");
  const auto health = run({"-q", "node_health_check"});
  EXPECT_EQ(health.status, 70);
  EXPECT_EQ(health.errors,
            "Error:\nError: health check failed. Message: resource alarm(s) in "
            "effect:[{resource_limit,memory," +
                node + "}]\n");
  EXPECT_EQ(output_of({"-q", "set_vm_memory_high_watermark", "absolute", "100GiB"}), "");
  EXPECT_EQ(run({"check_local_alarms"}).status, 0);
  EXPECT_EQ(output_of({"set_disk_free_limit", "mem_relative", "1.5"}),
            "Setting disk free limit on rabbit@here to 1.5 times the total RAM ...\n");
  EXPECT_EQ(output_of({"set_disk_free_limit", "2GB"}), "Setting disk free limit on rabbit@here to 2GB bytes ...\n");
  EXPECT_EQ(get("/api/nodes").json().at(0).at("disk_free_limit"), 2'000'000'000);
  for (const auto& wrong : {std::vector<std::string>{"2.5"}, {"x"}, {"absolute", "x"}, {"absolute", "1XB"}}) {
    std::vector<std::string> words{"set_vm_memory_high_watermark"};
    words.insert(words.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(run(words).status, 65) << wrong.back();
  }
  EXPECT_EQ(run({"set_disk_free_limit", "often", "1"}).status, 64);
}

TEST_F(ControlTest, StatusTellsWhatRuns) {
  EXPECT_THAT(output_of({"status"}), HasSubstr("Product name: Leveret"));
  const json::value status = json::parse(output_of({"status", "--formatter", "json"}));
  EXPECT_EQ(status.at("product_name").as_string(), "Leveret");
  EXPECT_EQ(status.at("alarms").as_array().size(), 0u);
}

TEST_F(ControlTest, UsersComeChangeAndGo) {
  EXPECT_EQ(output_of({"add_user", "ann", "secret"}),
            "Adding user \"ann\" ...\nDone. Don't forget to grant the user permissions to some virtual hosts! See "
            "'rabbitmqctl help set_permissions' to learn more.\n");
  EXPECT_EQ(output_of({"set_user_tags", "ann", "management", "policymaker"}),
            "Setting tags for user \"ann\" to [management, policymaker] ...\n");
  EXPECT_EQ(output_of({"list_users"}),
            "Listing users ...\nuser\ttags\nann\t[management, policymaker]\nguest\t[administrator]\n");
  EXPECT_EQ(output_of({"authenticate_user", "ann", "secret"}), "Authenticating user \"ann\" ...\nSuccess\n");
  EXPECT_EQ(run({"authenticate_user", "ann", "wrong"}).status, 65);
  EXPECT_EQ(output_of({"change_password", "ann", "other"}), "Changing password for user \"ann\" ...\n");
  EXPECT_EQ(run({"authenticate_user", "ann", "secret"}).status, 65);
  EXPECT_EQ(run({"authenticate_user", "ann", "other"}).status, 0);
  EXPECT_EQ(get_as("ann:other", "/api/whoami").body, R"({"name":"ann","tags":["management","policymaker"]})");
  EXPECT_EQ(output_of({"clear_password", "ann"}), "Clearing password for user \"ann\" ...\n");
  EXPECT_EQ(run({"authenticate_user", "ann", "other"}).status, 65);
  EXPECT_EQ(output_of({"delete_user", "ann"}), "Deleting user \"ann\" ...\n");
  EXPECT_EQ(output_of({"-s", "list_users"}), "guest\t[administrator]\n");
}

TEST_F(ControlTest, UnknownAndDoubleUsersAreRefused) {
  const Outcome twice = run({"add_user", "guest", "x"});
  EXPECT_EQ(twice.status, 70);
  EXPECT_EQ(twice.errors, "Error:\nUser \"guest\" already exists\n");
  for (const auto& words : {std::vector<std::string>{"delete_user", "bob"},
                            {"change_password", "bob", "x"},
                            {"set_user_tags", "bob", "x"},
                            {"list_user_permissions", "bob"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.status, 67) << words[0];
    EXPECT_EQ(outcome.errors, "Error:\nUser \"bob\" does not exist\n") << words[0];
  }
  const Outcome of_rights = run({"set_permissions", "bob", "", "", ""});
  EXPECT_EQ(of_rights.status, 67);
  EXPECT_EQ(of_rights.errors, "Error:\nUser bob does not exist\n");
}

TEST_F(ControlTest, VirtualHostsAndPermissions) {
  EXPECT_EQ(output_of({"add_vhost", "orders", "--description", "All orders", "--tags", "a,b"}),
            "Adding vhost \"orders\" ...\n");
  EXPECT_EQ(run({"add_vhost", "orders"}).status, 0) << "it is there already";
  EXPECT_EQ(output_of({"-q", "list_vhosts", "name", "description", "tags"}),
            "name\tdescription\ttags\n/\tDefault virtual host\t[]\norders\tAll orders\t[a, b]\n");
  EXPECT_EQ(output_of({"-q", "list_permissions", "-p", "orders"}), "") << "who made it is no user";
  EXPECT_EQ(output_of({"set_permissions", "-p", "orders", "guest", ".*", "^a", ""}),
            "Setting permissions for user \"guest\" in vhost \"orders\" ...\n");
  EXPECT_EQ(output_of({"list_permissions", "-p", "orders"}),
            "Listing permissions for vhost \"orders\" ...\nuser\tconfigure\twrite\tread\nguest\t.*\t^a\t\n");
  EXPECT_EQ(output_of({"-q", "list_user_permissions", "guest"}),
            "vhost\tconfigure\twrite\tread\n/\t.*\t.*\t.*\norders\t.*\t^a\t\n");
  EXPECT_EQ(output_of({"set_topic_permissions", "-p", "orders", "guest", "amq.topic", "a", "b"}),
            "Setting topic permissions on \"amq.topic\" for user \"guest\" in vhost \"orders\" ...\n");
  EXPECT_EQ(output_of({"-s", "list_topic_permissions", "-p", "orders"}), "guest\tamq.topic\ta\tb\n");
  output_of({"clear_topic_permissions", "-p", "orders", "guest"});
  output_of({"clear_permissions", "-p", "orders", "guest"});
  EXPECT_EQ(output_of({"-s", "list_permissions", "-p", "orders"}), "");
  EXPECT_EQ(output_of({"delete_vhost", "orders"}), "Deleting vhost \"orders\" ...\n");
  EXPECT_EQ(run({"delete_vhost", "orders"}).status, 65);
  const Outcome gone = run({"set_permissions", "-p", "orders", "guest", "", "", ""});
  EXPECT_EQ(gone.status, 69);
  EXPECT_EQ(gone.errors, "Error:\nVirtual host orders does not exist\n");
}

TEST_F(ControlTest, QueuesExchangesBindingsAndConsumers) {
  auto channel = connect().open_channel();
  channel.declare_queue("jobs", {.durable = true});
  channel.publish_to("jobs", {"one", "two"});
  channel.synchronize();
  EXPECT_EQ(output_of({"list_queues"}),
            "Timeout: 60.0 seconds ...\nListing queues for vhost / ...\nname\tmessages\njobs\t2\n");
  EXPECT_EQ(output_of({"-q", "list_queues", "name", "durable", "consumers", "arguments"}),
            "name\tdurable\tconsumers\targuments\njobs\ttrue\t0\t[]\n");
  EXPECT_EQ(output_of({"list_queues", "name", "messages", "--formatter", "json"}),
            "[\n{\"name\":\"jobs\",\"messages\":2}\n]\n");
  EXPECT_EQ(output_of({"list_queues", "--formatter=csv"}), "\"name\",\"messages\"\n\"jobs\",\"2\"\n");
  EXPECT_EQ(
      output_of({"list_queues", "--formatter", "pretty_table"}),
      "Timeout: 60.0 seconds ...\nListing queues for vhost / ...\n"
      "┌──────┬──────────┐\n│ name │ messages │\n├──────┼──────────┤\n│ jobs │ 2        │\n└──────┴──────────┘\n");
  EXPECT_THAT(output_of({"-q", "list_bindings"}), HasSubstr("\texchange\tjobs\tqueue\tjobs\t[]\n"));
  EXPECT_THAT(output_of({"list_exchanges"}),
              StartsWith("Listing exchanges for vhost / ...\nname\ttype\n\tdirect\namq.direct\tdirect\n"));
  channel.consume("jobs", {.tag = "tag"});
  EXPECT_THAT(output_of({"-q", "list_consumers", "queue_name", "consumer_tag", "ack_required"}),
              "queue_name\tconsumer_tag\tack_required\njobs\ttag\ttrue\n");
  EXPECT_THAT(output_of({"-s", "list_connections", "user", "state"}), "guest\trunning\n");
  EXPECT_THAT(output_of({"-s", "list_channels", "user", "consumer_count"}), "guest\t1\n");
}

TEST_F(ControlTest, PurgesAndDeletesQueuesWhateverTheirRights) {
  auto channel = connect().open_channel();
  channel.declare_queue("jobs", {});
  channel.publish_to("jobs", {"one", "two"});
  output_of({"clear_permissions", "guest"});
  EXPECT_EQ(output_of({"purge_queue", "jobs"}), "Purging queue 'jobs' in vhost '/' ...\n");
  EXPECT_EQ(output_of({"delete_queue", "jobs"}),
            "Deleting queue 'jobs' on vhost '/' ...\nQueue was successfully deleted with 0 ready messages\n");
  const Outcome again = run({"delete_queue", "jobs"});
  EXPECT_EQ(again.status, 64);
  EXPECT_EQ(again.errors, "Error:\nQueue not found\n");
}

TEST_F(ControlTest, DefinitionsGoToAFileAndComeBack) {
  const std::string file = (directory_.path() / "definitions.json").string();
  output_of({"add_user", "ann", "secret"});
  EXPECT_EQ(output_of({"export_definitions", file}),
            "Exporting definitions in JSON to a file at \"" + file + "\" ...\n");
  output_of({"delete_user", "ann"});
  output_of({"import_definitions", file});
  EXPECT_EQ(run({"authenticate_user", "ann", "secret"}).status, 0);
  std::ofstream{file} << "[]";
  EXPECT_EQ(run({"import_definitions", file}).status, 69);
  EXPECT_EQ(run({"import_definitions", "/no/such"}).status, 65);
}

TEST_F(ControlTest, WrongCommandLinesAreRefused) {
  EXPECT_EQ(run({"nosuch"}).status, 64);
  EXPECT_EQ(run({"add_vhost"}).status, 64);
  EXPECT_EQ(run({"add_vhost", "a", "b"}).status, 64);
  EXPECT_EQ(run({"list_queues", "nosuch"}).status, 64);
  EXPECT_EQ(run({"list_queues", "--nosuch"}).status, 64);
  EXPECT_EQ(run({"list_queues", "--formatter", "xml"}).status, 64);
  EXPECT_EQ(run({"list_queues", "--timeout", "x"}).status, 64);
  EXPECT_EQ(run({"join_cluster", "rabbit@a"}).status, 70);
}

TEST_F(ControlTest, PluginsAreBuiltInOrMissing) {
  const Outcome there = run({"enable", "rabbitmq_management", "--offline"}, "rabbitmq-plugins");
  EXPECT_EQ(there.status, 0);
  EXPECT_EQ(there.output, "rabbitmq_management is built into Leveret, and always on\n");
  const Outcome missing = run({"enable", "rabbitmq_mqtt"}, "rabbitmq-plugins");
  EXPECT_EQ(missing.status, 65);
  EXPECT_THAT(missing.errors, HasSubstr("rabbitmq_mqtt is not there"));
  EXPECT_THAT(run({"list", "-m"}, "rabbitmq-plugins").output, HasSubstr("rabbitmq_prometheus\n"));
  EXPECT_EQ(run({"list_queues"}, "rabbitmq-plugins").status, 64) << "that is rabbitmqctl's";
}

TEST(Control, DoesWithoutASocketWhosePathIsTooLong) {
  const TemporaryDirectory directory;
  boost::asio::io_context context;
  const auto path = directory.path() / std::string(120, 'x');
  const management::HttpServer server{context, {.listeners = {{}}, .local_socket = path}, {}};
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(run_in(path.parent_path() / std::string(120, 'x'), "rabbitmqctl", {"ping"}).status, 69);
}

TEST(Control, SaysThatNobodyAnswers) {
  const TemporaryDirectory directory;
  const Outcome outcome = run_in(directory.path(), "rabbitmq-diagnostics", {"-q", "ping"});
  EXPECT_EQ(outcome.status, 69);
  EXPECT_THAT(outcome.errors, StartsWith("Error: unable to perform an operation on node 'rabbit@here'."));
  EXPECT_EQ(run_in(directory.path(), "rabbitmqctl", {"await_startup", "--timeout", "0.05"}).status, 69);
}

}  // namespace
}  // namespace leveret::test
