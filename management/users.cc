#include <algorithm>

#include <boost/asio/awaitable.hpp>

#include "management/base64.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/users.h"

namespace leveret::management {
namespace {

constexpr std::string_view default_hashing = "rabbit_password_hashing_sha256";

json::object limits_of(const broker::BrokerQuery& broker, const std::string& user) {
  json::object values;
  const auto limits = broker.limits(broker::LimitOf::user);
  if (const auto found = limits.find(user); found != limits.end())
    for (const auto& [name, limit] : found->second) values[name] = limit;
  return values;
}

}  // namespace

json::object to_json(const broker::BrokerQuery& broker, const broker::UserReport& user) {
  return {{"name", user.name},
          {"password_hash", user.password_hash},
          {"hashing_algorithm", user.hashing_algorithm},
          {"tags", json::value_from(user.tags)},
          {"limits", limits_of(broker, user.name)}};
}

broker::UserReport user_from(const broker::BrokerQuery& broker, std::string name, const JsonBody& body) {
  if (!body.has("tags")) throw bad_request("tags_not_present");
  broker::UserReport user{
      .name = std::move(name), .hashing_algorithm = std::string{default_hashing}, .tags = body.list("tags")};
  if (body.has("password") && body.has("password_hash"))
    throw bad_request("both_password_and_password_hash_are_provided");
  if (body.has("password_hash")) {
    user.password_hash = body.text("password_hash");
    if (!decode_base64(user.password_hash)) throw bad_request(json::array{"not_base64", user.password_hash});
    if (body.has("hashing_algorithm")) user.hashing_algorithm = body.text("hashing_algorithm");
    if (!broker::BrokerQuery::is_known_hashing(user.hashing_algorithm))
      throw bad_request(json::array{"unknown_hashing_algorithm", user.hashing_algorithm});
  } else if (const std::string password = body.text("password"); !password.empty()) {
    user.password_hash = broker.hash_password(password);
  }
  return user;
}

Response list_users(const Request& request) {
  std::vector<json::object> objects;
  for (const auto& user : request.broker.users()) objects.push_back(to_json(request.broker, user));
  return list(request, items_of(std::move(objects)));
}

Response list_users_without_permissions(const Request& request) {
  const auto permissions = request.broker.permissions();
  std::vector<json::object> objects;
  for (const auto& user : request.broker.users())
    if (std::none_of(permissions.begin(), permissions.end(), [&](auto& one) { return one.user == user.name; }))
      objects.push_back(to_json(request.broker, user));
  return list(request, items_of(std::move(objects)));
}

Response show_user(const Request& request) {
  const auto user = request.broker.find_user(request.parameter("user"));
  if (!user) throw not_found();
  return show(request, to_json(request.broker, *user));
}

Asking put_user(const Request& request) {
  const JsonBody body{request};
  const std::string& name = request.parameter("user");
  const bool is_new = !request.broker.find_user(name);
  broker::UserReport user = user_from(request.broker, name, body);
  co_await request.broker.put_user(std::move(user));
  co_return is_new ? created() : no_content();
}

Asking delete_user(const Request& request) {
  const std::string& name = request.parameter("user");
  if (!request.broker.find_user(name)) throw not_found();
  co_await request.broker.remove_user(name);
  co_return no_content();
}

namespace {

/// Nobody is deleted because of a list that was meant to be something else.
std::vector<std::string> names_in(const JsonBody& body) {
  const json::array* users = body.require({"users"}).find("users")->if_array();
  if (!users) throw bad_request(json::array{"not_a_list", "users"});
  std::vector<std::string> names;
  for (const json::value& user : *users) {
    if (!user.is_string()) throw bad_request(json::array{"no_such_user", user});
    names.emplace_back(user.get_string());
  }
  return names;
}

}  // namespace

Asking bulk_delete_users(const Request& request) {
  const std::vector<std::string> names = names_in(JsonBody{request});
  for (const std::string& name : names)
    if (!request.broker.find_user(name)) throw bad_request(json::array{"no_such_user", name});
  for (const std::string& name : names) co_await request.broker.remove_user(name);
  co_return no_content();
}

}  // namespace leveret::management
