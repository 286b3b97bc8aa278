#include "management/router.h"

#include <algorithm>
#include <array>
#include <map>

#include "management/base64.h"
#include "management/log.h"
#include "management/target.h"

namespace leveret::management {
namespace {

constexpr std::array<std::string_view, 4> management_tags{"administrator", "monitoring", "policymaker", "management"};
/// As RabbitMQ calls who acts from inside of it.
constexpr std::string_view local_administrator = "rmq-internal";
constexpr std::string_view realm = "Basic realm=\"RabbitMQ Management\"";

/// The parts of a path or of a route's pattern.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

struct Pattern {
  std::string_view path{};
  std::vector<std::string_view> segments{};
  std::vector<const Route*> routes{};
};

/// The table's routes by pattern, in the order in which the patterns first appear.
const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> all = [] {
    std::vector<Pattern> made;
    for (const Route& route : routes()) {
      auto found = std::find_if(made.begin(), made.end(), [&](auto& pattern) { return pattern.path == route.path; });
      if (found == made.end()) found = made.insert(found, {.path = route.path, .segments = split(route.path)});
      found->routes.push_back(&route);
    }
    return made;
  }();
  return all;
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

bool fits(const Pattern& pattern, const std::vector<std::string>& segments) {
  return std::equal(pattern.segments.begin(), pattern.segments.end(), segments.begin(), segments.end(),
                    [](std::string_view wanted, const std::string& segment) {
                      return is_parameter(wanted) ? !segment.empty() : wanted == segment;
                    });
}

std::optional<Method> method_of(std::string_view name) {
  if (name == "GET" || name == "HEAD") return Method::get;
  if (name == "PUT") return Method::put;
  if (name == "POST") return Method::post;
  if (name == "DELETE") return Method::remove;
  return {};
}

struct Credentials {
  std::string user{};
  std::string password{};
};

/// "user:password"; nothing for what is no such thing.
std::optional<Credentials> parse_credentials(std::string_view encoded) {
  const auto decoded = decode_base64(encoded);
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return Credentials{.user = decoded->substr(0, colon), .password = decoded->substr(colon + 1)};
}

/// The client may try again with a password: it is asked for one, as it is not when the password was fine.
class LoginFailure : public Refusal {
 public:
  LoginFailure() : Refusal(401, "not_authorized", "Login failed") {}
};

Response asking_for_password(Response response) {
  response.headers.emplace_back("www-authenticate", realm);
  return response;
}

/// The value of a cookie.
std::string_view cookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view one = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) return one.substr(name.size() + 1);
  }
  return {};
}

}  // namespace

std::string allowed_methods(const std::vector<const Route*>& routes) {
  static constexpr std::array<std::pair<Method, std::string_view>, 4> names{
      {{Method::get, "HEAD, GET, "}, {Method::put, "PUT, "}, {Method::post, "POST, "}, {Method::remove, "DELETE, "}}};
  std::string allowed;
  for (const auto& [method, name] : names)
    if (std::any_of(routes.begin(), routes.end(), [&](const Route* route) { return route->method == method; }))
      allowed += name;
  return allowed + "OPTIONS";
}

Router::Match Router::find(const std::vector<std::string>& segments) {
  Match match;
  const auto& all = patterns();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Pattern& pattern) { return fits(pattern, segments); });
  if (found == all.end()) return match;
  match.routes = found->routes;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string_view wanted = found->segments[i];
    if (is_parameter(wanted)) match.parameters.emplace_back(wanted.substr(1, wanted.size() - 2), segments[i]);
  }
  return match;
}

boost::asio::awaitable<Response> Router::answer(RawRequest request) {
  std::optional<Response> response;
  try {
    response = co_await dispatch(std::move(request));
  } catch (const LoginFailure& failure) {
    response = asking_for_password(failure.response());
  } catch (const Refusal& refusal) {
    response = refusal.response();
  } catch (const std::exception& error) {
    log::error("HTTP request failed: reason=\"{}\"", error.what());
    response = Refusal{500, "internal_error", json::string{error.what()}}.response();
  }
  co_return *std::move(response);
}

boost::asio::awaitable<Response> Router::dispatch(RawRequest raw) {
  const auto target = parse_target(raw.target);
  if (!target) throw bad_request("malformed percent-encoding");
  const bool asks_for_options = raw.method == "OPTIONS";
  const auto method = method_of(raw.method);
  const bool is_known = method || asks_for_options || raw.method == "PATCH";  // which no route takes
  if (!is_known) co_return Response{.status = 501};
  Match match = find(target->segments);
  if (match.routes.empty()) throw not_found();
  const auto route = std::find_if(match.routes.begin(), match.routes.end(),
                                  [&](const Route* candidate) { return method == candidate->method; });
  if (route == match.routes.end()) {
    Response response{.status = asks_for_options ? 200u : 405u};
    response.headers.emplace_back("allow", allowed_methods(match.routes));
    co_return response;
  }
  Request request{.method = *method,
                  .parameters = std::move(match.parameters),
                  .query = target->query,
                  .broker = broker_,
                  .statistics = statistics_};
  const Right right = (*route)->right;
  if (right != Right::anyone) {
    const bool has_no_credentials =
        raw.headers.end() ==
            std::find_if(raw.headers.begin(), raw.headers.end(),
                         [](auto& row) { return row.first == "authorization" || row.first == "cookie"; }) &&
        !request.query_value("auth");
    request.is_local_administrator = has_no_credentials && raw.is_from_administrator;
    if (request.is_local_administrator)
      request.user = {.name = std::string{local_administrator}, .tags = {"administrator"}};
    else if (has_no_credentials)
      co_return asking_for_password({.status = 401});  // nobody was told who they are
    else
      request.user = log_in(raw, request);
    check_right(right, request);
  }
  request.headers = std::move(raw.headers);
  request.body = std::move(raw.body);
  if (const auto* plain = std::get_if<Response (*)(const Request&)>(&(*route)->handler)) co_return (*plain)(request);
  const auto asking = std::get<boost::asio::awaitable<Response> (*)(const Request&)>((*route)->handler);
  co_return co_await asking(request);
}

/// The user named by the header, by a query's `auth` (for links to downloads) or by the cookie that /api/login sets.
broker::UserReport Router::log_in(const RawRequest& raw, Request& request) const {
  const auto header_of = [&raw](std::string_view name) {
    const auto found =
        std::find_if(raw.headers.begin(), raw.headers.end(), [&](auto& row) { return row.first == name; });
    return found == raw.headers.end() ? std::string_view{} : std::string_view{found->second};
  };
  std::string_view encoded = header_of("authorization");
  if (encoded.size() > 6 && (encoded.starts_with("Basic ") || encoded.starts_with("basic ")))
    encoded.remove_prefix(6);
  else if (!encoded.empty())
    throw LoginFailure{};
  else if (const auto auth = request.query_value("auth"))
    encoded = *auth;
  else
    encoded = cookie(header_of("cookie"), "auth");
  const auto credentials = parse_credentials(encoded);
  if (!credentials) throw bad_request("malformed credentials");
  auto user = broker_.log_in(credentials->user, credentials->password);
  if (!user) throw LoginFailure{};
  if (!raw.is_from_this_machine && broker_.is_loopback_user(user->name))
    throw not_authorised("User can only log in via localhost");
  request.password = credentials->password;
  return *std::move(user);
}

void Router::check_right(Right right, const Request& request) {
  const auto& tags = request.user.tags;
  if (std::find_first_of(tags.begin(), tags.end(), management_tags.begin(), management_tags.end()) == tags.end())
    throw not_authorised("Not management user");
  if (right == Right::administrator && !request.is_administrator()) throw not_authorised("Not administrator user");
  if (right == Right::monitoring && !request.is_monitor()) throw not_authorised("Not monitor user");
  if (right == Right::policymaker && !request.is_administrator() && !request.has_tag("policymaker"))
    throw not_authorised("User not authorised to access object");
  const bool is_in_virtual_host = right == Right::virtual_host || right == Right::policymaker;
  if (!is_in_virtual_host || request.virtual_host().empty()) return;
  if (!request.broker.find_virtual_host(request.virtual_host())) {
    if (request.method == Method::put || request.method == Method::post)
      throw Refusal{404, "not_found", "vhost_not_found"};
    throw not_found();
  }
  if (!request.is_administrator() && !request.broker.may_enter(request.user.name, request.virtual_host()))
    throw not_authorised("User not authorised to access virtual host");
}

}  // namespace leveret::management
