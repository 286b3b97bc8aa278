#pragma once
#include <string>
#include <string_view>

#include "management/http_server.h"
#include "management/sampler.h"
#include "tests/support/broker_test.h"
#include "tests/support/http_client.h"

namespace leveret::test {

namespace json = boost::json;

/// A test against a broker of its own and its HTTP API, over real sockets.
class HttpTest : public testing::Test {
 protected:
  explicit HttpTest(management::HttpOptions options = {}, TestBroker::Options broker = {})
      : broker_(std::move(broker)), http_(context_, on_free_port(std::move(options)), [this](auto request) {
          return router_.answer(std::move(request));
        }) {
    query_.add_listener({.protocol = "amqp", .port = broker_.port()});
    query_.add_listener({.protocol = "http", .port = http_.port()});
    sampler_.start();
    http_.start();
  }
  ~HttpTest() override {
    sampler_.stop();
    http_.stop(5s);
  }

  HttpResponse get(std::string path) { return client().send({.path = std::move(path)}); }
  HttpResponse put(std::string path, std::string body = "{}") {
    return client().send({.method = "PUT", .path = std::move(path), .body = std::move(body)});
  }
  HttpResponse post(std::string path, std::string body = "{}") {
    return client().send({.method = "POST", .path = std::move(path), .body = std::move(body)});
  }
  HttpResponse remove(std::string path) { return client().send({.method = "DELETE", .path = std::move(path)}); }
  HttpResponse send(const HttpClient::Request& request) { return client().send(request); }
  HttpResponse get_as(std::string user, std::string path) {
    return client().send({.path = std::move(path), .user = std::move(user)});
  }

  HttpClient& client() {
    if (!client_) client_.emplace(http_.port());
    return *client_;
  }
  TestClient& connect(const TestClient::Options& options = {}) {
    return clients_.emplace_back(broker_.port(), options);
  }

 private:
  static management::HttpOptions on_free_port(management::HttpOptions options) {
    for (auto& listener : options.listeners) listener.address.port = 0;
    return options;
  }

 protected:
  boost::asio::io_context context_{1};
  TestBroker broker_;
  broker::BrokerQuery query_{broker_.broker()};
  management::Statistics statistics_{};
  management::Router router_{query_, statistics_};
  management::Sampler sampler_{context_, query_, statistics_, 50ms};
  management::HttpServer http_;
  std::optional<HttpClient> client_{};
  std::list<TestClient> clients_{};
};

/// RabbitMQ's form of a refusal.
inline std::string error_of(const HttpResponse& response) {
  const json::value body = response.json();
  return std::string{body.at("error").as_string()} + ": " + json::serialize(body.at("reason"));
}

}  // namespace leveret::test
