#pragma once
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "management/request.h"

namespace leveret::management {

/// Who may use a route.  Every one but `anyone` asks for a user with one of the tags administrator, monitoring,
/// policymaker or management.
enum class Right {
  anyone,        // no password needed
  user,          // any of those tags
  virtual_host,  // and may enter the virtual host in the path, which must exist; administrators look into all
  monitoring,    // monitoring or administrator
  policymaker,   // a policymaker who may enter the virtual host in the path, or an administrator
  administrator,
};

/// Answers at once, or has to ask shards first.
using Handler = std::variant<Response (*)(const Request&), boost::asio::awaitable<Response> (*)(const Request&)>;

struct Route {
  Method method = Method::get;
  std::string_view path{};  // "/api/queues/{vhost}/{name}"
  Right right = Right::user;
  Handler handler{};
  std::string_view summary{};
  std::string_view body{};  // its members: "name*: string, durable: boolean"; empty where none is expected
};

/// All routes of the API: routing, 405 and OPTIONS, the OpenAPI document and the tests walk this one table.  Of two
/// patterns that fit a path the earlier one counts.
std::span<const Route> routes();

/// A request as it came in, its target not yet taken apart.
struct RawRequest {
  std::string method{};
  std::string target{};
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
  std::string body{};
  bool is_from_this_machine = false;
  /// Came in a way that only this machine's administrator has: needs no password.  One that it gives counts.
  bool is_from_administrator = false;
};

/// Finds a request's route, lets in who may use it, and calls its handler.
class Router {
 public:
  Router(broker::BrokerQuery& broker, Statistics& statistics) : broker_(broker), statistics_(statistics) {}

  /// Always an answer, refusals and our own failures included.
  boost::asio::awaitable<Response> answer(RawRequest request);

 private:
  struct Match {
    std::vector<const Route*> routes{};  // of one pattern
    std::vector<std::pair<std::string_view, std::string>> parameters{};
  };

  static Match find(const std::vector<std::string>& segments);
  boost::asio::awaitable<Response> dispatch(RawRequest request);
  broker::UserReport log_in(const RawRequest& raw, Request& request) const;
  static void check_right(Right right, const Request& request);

  broker::BrokerQuery& broker_;
  Statistics& statistics_;
};

/// "HEAD, GET, PUT, DELETE, OPTIONS"
std::string allowed_methods(const std::vector<const Route*>& routes);

}  // namespace leveret::management
