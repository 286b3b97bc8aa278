#include "configuration/configuration_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configuration/keys.h"
#include "tests/configuration/files.h"

/// What the keys of rabbitmq.conf do.
namespace leveret::configuration {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string shown(const std::vector<broker::ListenAddress>& addresses) {
  std::string all;
  for (const auto& address : addresses) all += fmt::format("{}|{} ", address.host, address.port);
  return all;
}

/// A file, and what it makes of one of the options.
struct EffectCase {
  std::string_view content{};
  std::function<std::string(const Options&)> read{};
  std::string_view expected{};
};

std::ostream& operator<<(std::ostream& stream, const EffectCase& row) {
  return stream << row.content;
}

class ConfigurationKey : public testing::TestWithParam<EffectCase> {};

TEST_P(ConfigurationKey, SetsItsOption) {
  EXPECT_EQ(GetParam().read(options_from(GetParam().content)), GetParam().expected);
}

const auto amqp = [](const Options& o) { return shown(o.amqp); };
const auto loopback_users = [](const Options& o) { return fmt::format("{}", fmt::join(o.broker.loopback_users, " ")); };
const auto tags = [](const Options& o) { return fmt::format("{}", fmt::join(o.broker.default_user_tags, " ")); };
const auto mechanisms = [](const Options& o) { return fmt::format("{}", fmt::join(o.broker.auth_mechanisms, " ")); };
const auto connection_max = [](const Options& o) {
  return o.broker.connection_max ? std::to_string(*o.broker.connection_max) : std::string{"any"};
};
const auto memory_limit = [](const Options& o) { return std::to_string(o.broker.memory_limit.value_or(0)); };
const auto disk_limit = [](const Options& o) { return std::to_string(o.broker.disk_free_limit); };
const auto log_level = [](const Options& o) { return o.log_level; };

INSTANTIATE_TEST_SUITE_P(
    Of, ConfigurationKey,
    testing::Values(
        EffectCase{"", amqp, "|5672 "}, EffectCase{"listeners.tcp.default = 5673", amqp, "|5673 "},
        EffectCase{"listeners.tcp.1 = 127.0.0.1:5673\nlisteners.tcp.2 = ::1:5674", amqp, "127.0.0.1|5673 ::1|5674 "},
        EffectCase{"listeners.tcp.1 = [::1]:0", amqp, "::1|0 "}, EffectCase{"listeners.tcp = none", amqp, ""},
        EffectCase{"listeners.tcp.1 = 5673\nlisteners.tcp = none", amqp, ""},
        EffectCase{"listeners.tcp.1 = 5673\nlisteners.tcp.1 = 5674", amqp, "|5674 "},
        EffectCase{"", loopback_users, "guest"}, EffectCase{"loopback_users.guest = false", loopback_users, ""},
        EffectCase{"loopback_users = none", loopback_users, ""},
        EffectCase{"loopback_users.ann = true", loopback_users, "ann"},
        EffectCase{"loopback_users.guest = true\nloopback_users.ann = true", loopback_users, "guest ann"},
        EffectCase{"", tags, "administrator"},
        EffectCase{"default_user_tags.management = true\ndefault_user_tags.policymaker = true", tags,
                   "management policymaker"},
        EffectCase{"default_user_tags.administrator = false", tags, ""},
        EffectCase{"", mechanisms, "PLAIN AMQPLAIN ANONYMOUS"},
        EffectCase{"auth_mechanisms.1 = PLAIN", mechanisms, "PLAIN"},
        EffectCase{"connection_max = 17", connection_max, "17"},
        EffectCase{"connection_max = infinity", connection_max, "any"},
        EffectCase{"vm_memory_high_watermark.absolute = 2GB", memory_limit, "2000000000"},
        EffectCase{"vm_memory_high_watermark.absolute = 1024MiB", memory_limit, "1073741824"},
        EffectCase{"vm_memory_high_watermark.absolute = 1Gi", memory_limit, "1073741824"},
        EffectCase{"vm_memory_high_watermark.absolute = 100k", memory_limit, "102400"},
        EffectCase{"disk_free_limit.absolute = 2000", disk_limit, "2000"},
        EffectCase{"disk_free_limit.absolute = 50 MB", disk_limit, "50000000"},
        EffectCase{"log.console.level = notice", log_level, "info"},
        EffectCase{"log.console.level = none", log_level, "off"},
        EffectCase{"log.console.level = debug", log_level, "debug"}));

TEST(ConfigurationFile, SetsWhatTheTableSays) {
  const Options options = options_from(
      "handshake_timeout = 500\nheartbeat = 30\nframe_max = 8192\nchannel_max = 64\nchannel_max_per_node = 5\n"
      "max_message_size = 1024\nconsumer_timeout = 60000\ndefault_user = ann\ndefault_pass = secret\n"
      "default_permissions.configure = a\ndefault_permissions.write = b\ndefault_permissions.read = c\n"
      "default_vhost = orders\nanonymous_login_user = none\nanonymous_login_pass = x\nload_definitions = /tmp\n"
      "cluster_name = north\nvm_memory_high_watermark.relative = 0.5\ntotal_memory_available_override_value = 1GB\n"
      "disk_free_limit.relative = 1.5\nmanagement.tcp.port = 15673\nmanagement.tcp.ip = 127.0.0.1\n"
      "management.cors.allow_origins.1 = https://a\nmanagement.cors.allow_origins.2 = https://b\n"
      "management.cors.max_age = 60\nmanagement.http.max_body_size = 1MB\nprometheus.tcp.port = 15693\n"
      "prometheus.tcp.ip = ::1\nmanagement.tcp.idle_timeout = 100\nmanagement.tcp.request_timeout = 200\n");
  const auto& broker = options.broker;
  EXPECT_EQ(broker.handshake_timeout.count(), 500);
  EXPECT_EQ(broker.heartbeat.count(), 30);
  EXPECT_EQ(broker.frame_max, 8192u);
  EXPECT_EQ(broker.channel_max, 64u);
  EXPECT_EQ(broker.channel_max_per_node, 5u);
  EXPECT_EQ(broker.message_size_max, 1024u);
  EXPECT_EQ(broker.consumer_timeout.count(), 60'000);
  EXPECT_EQ(broker.default_user + broker.default_password + broker.default_virtual_host, "annsecretorders");
  EXPECT_EQ(broker.default_permission.configure + broker.default_permission.write + broker.default_permission.read,
            "abc");
  EXPECT_EQ(broker.anonymous_user, "");
  EXPECT_EQ(broker.anonymous_password, "x");
  EXPECT_EQ(options.definitions.at(0), "/tmp");
  EXPECT_EQ(broker.cluster_name, "north");
  EXPECT_EQ(broker.memory_high_watermark, 0.5);
  EXPECT_EQ(broker.memory_size, 1'000'000'000u);
  EXPECT_EQ(broker.disk_free_share, 1.5);
  EXPECT_EQ(shown({options.http.plain, options.prometheus.plain}), "127.0.0.1|15673 ::1|15693 ");
  EXPECT_EQ(fmt::format("{}", fmt::join(options.http_cors_origins, " ")), "https://a https://b");
  EXPECT_EQ(options.http_cors_max_age.count(), 60);
  EXPECT_EQ(options.http_body_size_max, 1'000'000u);
  EXPECT_EQ(options.http_idle_timeout.count(), 100);
  EXPECT_EQ(options.http_request_timeout.count(), 200);
}

TEST(ConfigurationFile, SetsUpTls) {
  const Options options = options_from(
      "listeners.ssl.default = 5671\nssl_options.certfile = /tmp\nssl_options.keyfile = /\n"
      "ssl_options.cacertfile = /etc\nssl_options.password = secret\nssl_options.verify = verify_peer\n"
      "ssl_options.fail_if_no_peer_cert = true\nssl_options.depth = 3\nssl_options.versions.1 = tlsv1.3\n"
      "ssl_options.ciphers.1 = TLS_AES_256_GCM_SHA384\nssl_options.honor_cipher_order = false\n"
      "management.ssl.port = 15671\nmanagement.ssl.certfile = /tmp\nmanagement.ssl.keyfile = /\n"
      "prometheus.ssl.certfile = /etc\nprometheus.ssl.keyfile = /\nprometheus.tcp.port = 15692\n");
  EXPECT_EQ(shown(options.amqp), "|5672 ");
  EXPECT_EQ(shown(options.amqp_tls), "|5671 ");
  EXPECT_EQ(options.tls.certificate, "/tmp");
  EXPECT_EQ(options.tls.key, "/");
  EXPECT_EQ(options.tls.authorities, "/etc");
  EXPECT_EQ(options.tls.key_password, "secret");
  EXPECT_TRUE(options.tls.verifies_peer);
  EXPECT_TRUE(options.tls.requires_certificate);
  EXPECT_EQ(options.tls.depth, 3);
  EXPECT_EQ(options.tls.versions, std::vector<std::string>{"tlsv1.3"});
  EXPECT_EQ(options.tls.ciphers, std::vector<std::string>{"TLS_AES_256_GCM_SHA384"});
  EXPECT_FALSE(options.tls.prefers_own_ciphers);
  EXPECT_FALSE(options.http.has_plain) << "the port with TLS takes its place";
  EXPECT_EQ(options.http.secure->port, 15671u);
  EXPECT_EQ(options.http.tls.certificate, "/tmp");
  EXPECT_TRUE(options.prometheus.has_plain) << "it is named, too";
  EXPECT_EQ(options.prometheus.secure->port, 15691u) << "as in RabbitMQ";
}

TEST(ConfigurationFile, MissesACertificate) {
  for (const std::string prefix :
       {"listeners.ssl.1 = 5671\n", "management.ssl.port = 1\n", "prometheus.ssl.port = 1\n"})
    EXPECT_THAT(complaint_about(prefix), HasSubstr("TLS needs a certificate and its key: "));
}

struct RefusalCase {
  std::string_view line{};
  std::string_view complaint{};
};

class ConfigurationFault : public testing::TestWithParam<RefusalCase> {};

TEST_P(ConfigurationFault, IsRefusedWithFileAndLine) {
  EXPECT_EQ(complaint_about("heartbeat = 10\n" + std::string{GetParam().line}),
            "rabbitmq.conf:2: " + std::string{GetParam().complaint});
}
INSTANTIATE_TEST_SUITE_P(
    Of, ConfigurationFault,
    testing::Values(
        RefusalCase{"heartbeet = 10", "unknown key heartbeet; the nearest known one is heartbeat"},
        RefusalCase{"listener.tcp.default = 1",
                    "unknown key listener.tcp.default; the nearest known one is listeners.tcp.default"},
        RefusalCase{"default_users = a", "unknown key default_users; the nearest known one is default_user"},
        RefusalCase{"vm_memory_high_watermark = 0.4",
                    "unknown key vm_memory_high_watermark; the nearest known one is vm_memory_high_watermark.relative"},
        RefusalCase{"management.port = 1", "unknown key management.port; the nearest known one is management.tcp.port"},
        RefusalCase{"heartbeat = ten", "heartbeat: expected a whole number from 0 to 65535 s, found \"ten\""},
        RefusalCase{"heartbeat = 65536", "heartbeat: expected a whole number from 0 to 65535 s, found \"65536\""},
        RefusalCase{"heartbeat = -1", "heartbeat: expected a whole number from 0 to 65535 s, found \"-1\""},
        RefusalCase{"heartbeat =", "heartbeat: expected a whole number from 0 to 65535 s, found \"\""},
        RefusalCase{"frame_max = 100",
                    "frame_max: expected octets, as 2000000, 2MB or 2MiB, from 4096 to 4294967295, found \"100\""},
        RefusalCase{"disk_free_limit.absolute = 5XB",
                    "disk_free_limit.absolute: expected octets, as 2000000, 2MB or 2MiB, found \"5XB\""},
        RefusalCase{"disk_free_limit.absolute = 99999999999GB",
                    "disk_free_limit.absolute: expected octets, as 2000000, 2MB or 2MiB, found \"99999999999GB\""},
        RefusalCase{"vm_memory_high_watermark.relative = 1.1",
                    "vm_memory_high_watermark.relative: expected a number above 0, up to 1, found \"1.1\""},
        RefusalCase{"listeners.tcp.1 = localhost:5672",
                    "listeners.tcp.1: expected a port, or an IP address and port, as 127.0.0.1:5672, found "
                    "\"localhost:5672\""},
        RefusalCase{"loopback_users.guest = no", "loopback_users.guest: expected true or false, found \"no\""},
        RefusalCase{"loopback_users = all", "loopback_users: expected none, found \"all\""},
        RefusalCase{"auth_mechanisms.1 = EXTERNAL",
                    "auth_mechanisms.1: expected PLAIN or AMQPLAIN or ANONYMOUS, found \"EXTERNAL\""},
        RefusalCase{"management.tcp.ip = here", "management.tcp.ip: expected an IP address, found \"here\""},
        RefusalCase{"load_definitions = /no/such",
                    "load_definitions: expected a file or folder that is there, found \"/no/such\""},
        RefusalCase{"connection_max = lots", "connection_max: expected a whole number, or infinity, found \"lots\""},
        RefusalCase{"ssl_options.cacertfile = /a",
                    "ssl_options.cacertfile: expected a file or folder that is there, found \"/a\""},
        RefusalCase{"ssl_options.versions.1 = tlsv1.1",
                    "ssl_options.versions.1: expected tlsv1.3 or tlsv1.2, found \"tlsv1.1\""},
        RefusalCase{"ssl_options.crl_check = true", "ssl_options.crl_check: this is not there for TLS"},
        RefusalCase{"cluster_formation.classic_config.nodes.1 = rabbit@a",
                    "cluster_formation.classic_config.nodes.1: there are no clusters yet"},
        RefusalCase{"auth_backends.1 = ldap",
                    "auth_backends.1: users are the broker's own, whom other services do not know"},
        RefusalCase{"mqtt.listeners.tcp.default = 1883", "mqtt.listeners.tcp.default: MQTT is not there"},
        RefusalCase{"definitions.import_backend = https",
                    "definitions.import_backend: definitions come from files only: load_definitions"},
        RefusalCase{"proxy_protocol = true", "proxy_protocol: expected false, found \"true\""},
        RefusalCase{"default_pass = encrypted:abc",
                    "default_pass: encrypted values are not there; use $(VARIABLE) or $(</FILE)"}));

TEST(ConfigurationFile, NamesWhatHasNoEffect) {
  const Options options = options_from("cluster_partition_handling = ignore\nlog.file = false\nlog.console = true\n");
  ASSERT_EQ(options.without_effect.size(), 3u);
  EXPECT_THAT(options.without_effect[0], HasSubstr("rabbitmq.conf:1: cluster_partition_handling: there is one node"));
}

TEST(ConfigurationFile, OfSeveralTheLastOneCounts) {
  Files files;
  const auto main = files.write("rabbitmq.conf", "heartbeat = 1\nchannel_max = 1\nloopback_users.guest = true");
  files.write("conf.d/10.conf", "heartbeat = 2\nframe_max = 5000\nloopback_users.guest = false");
  files.write("conf.d/20.conf", "heartbeat = 3");
  Options options;
  read_configuration_files({main, files.path() / "conf.d"}, options);
  EXPECT_EQ(options.broker.heartbeat.count(), 3);
  EXPECT_EQ(options.broker.channel_max, 1u);
  EXPECT_EQ(options.broker.frame_max, 5000u);
  EXPECT_THAT(options.broker.loopback_users, IsEmpty());
}

/// A row of a table in docs/operations.md.
std::string row_of(const Key& key) {
  return key.apply ? fmt::format("| `{}` | {} | {} |\n", key.name, description_of(key.type), key.meaning)
                   : fmt::format("| `{}` | {} |\n", key.name, key.meaning);
}

TEST(ConfigurationKeys, StandInOperations) {
  std::ifstream file{std::string{LEVERET_SOURCE_DIRECTORY} + "/docs/operations.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  for (const auto keys : {keys_with_effect(), keys_without_effect(), refused_keys()}) {
    std::string rows;
    for (const Key& key : keys) rows += row_of(key);
    EXPECT_NE(page.find(rows), std::string::npos) << "docs/operations.md lacks this table:\n" << rows;
  }
}

TEST(ConfigurationKeys, AreEachFoundByTheirName) {
  for (const Key& key : keys_with_effect()) EXPECT_EQ(find_key(keys_with_effect(), key.name), &key) << key.name;
  for (const Key& key : keys_without_effect())
    EXPECT_EQ(find_key(keys_with_effect(), key.name), nullptr) << key.name << " has an effect";
}

}  // namespace
}  // namespace leveret::configuration
