#include "broker/access_control.h"

#include <algorithm>
#include <mutex>

#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/split.hpp>

#include "broker/definitions.h"
#include "broker/name_pattern.h"
#include "broker/password_hash.h"

namespace leveret::broker {
namespace {

using definitions::Kind;
using definitions::make_key;

/// An empty pattern matches only an empty name.
NamePattern pattern_of(const std::string& pattern) {
  return NamePattern{pattern.empty() ? "^$" : pattern};
}

/// Matches this text and nothing else.
std::string as_literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view{R"(.[]{}()\*+?|^$)"}.find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string text(protocol::FieldTable value, std::string_view name) {
  const auto found = value.find(name);
  return std::string{found ? found->as_text().value_or("") : ""};
}

}  // namespace

struct AccessControl::Patterns {
  explicit Patterns(const Permission& permission)
      : text(permission),
        configure(pattern_of(permission.configure)),
        write(pattern_of(permission.write)),
        read(pattern_of(permission.read)) {}
  const NamePattern& of(Access access) const {
    return access == Access::configure ? configure : access == Access::write ? write : read;
  }
  Permission text;
  NamePattern configure, write, read;
};

struct AccessControl::TopicPatterns {
  TopicPatterns(const UserAndVirtualHost& whose, const TopicPermission& permission)
      : text(permission), write(pattern_for(whose, permission.write)), read(pattern_for(whose, permission.read)) {}
  static NamePattern pattern_for(const UserAndVirtualHost& whose, std::string pattern) {
    boost::algorithm::replace_all(pattern, "{username}", as_literal(whose.first));
    boost::algorithm::replace_all(pattern, "{vhost}", as_literal(whose.second));
    return pattern_of(pattern);
  }
  TopicPermission text;
  NamePattern write, read;
};

std::string_view name_of(Access access) {
  return access == Access::configure ? "configure" : access == Access::write ? "write" : "read";
}

AccessControl::AccessControl(storage::Store& store) : store_(store) {}
AccessControl::~AccessControl() = default;

bool AccessControl::password_matches(std::string_view name, std::string_view password) const {
  const auto user = find_user(name);
  return user && !password.empty() && broker::password_matches(password, user->password_hash, user->hashing_algorithm);
}

std::optional<User> AccessControl::find_user(std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = users_.find(name);
  return found == users_.end() ? std::nullopt : std::optional{found->second};
}

bool AccessControl::has_tag(std::string_view name, std::string_view tag) const {
  const std::shared_lock lock{mutex_};
  const auto found = users_.find(name);
  return found != users_.end() && std::ranges::find(found->second.tags, tag) != found->second.tags.end();
}

std::vector<User> AccessControl::users() const {
  const std::shared_lock lock{mutex_};
  std::vector<User> all;
  for (const auto& [name, user] : users_) all.push_back(user);
  return all;
}

std::vector<UserPermission> AccessControl::permissions() const {
  const std::shared_lock lock{mutex_};
  std::vector<UserPermission> all;
  for (const auto& [whose, patterns] : permissions_) all.push_back({whose.first, whose.second, patterns->text});
  return all;
}

std::vector<UserTopicPermission> AccessControl::topic_permissions() const {
  const std::shared_lock lock{mutex_};
  std::vector<UserTopicPermission> all;
  for (const auto& [whose, exchanges] : topic_permissions_)
    for (const auto& [exchange, patterns] : exchanges)
      all.push_back({whose.first, whose.second, exchange, patterns->text});
  return all;
}

bool AccessControl::may_enter(std::string_view user, std::string_view virtual_host) const {
  const std::shared_lock lock{mutex_};
  return permissions_.contains({std::string{user}, std::string{virtual_host}});
}

bool AccessControl::is_allowed(std::string_view user, std::string_view virtual_host, Access access,
                               std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = permissions_.find({std::string{user}, std::string{virtual_host}});
  return found != permissions_.end() && found->second->of(access).matches(name);
}

const AccessControl::TopicPatterns* AccessControl::find_topic_patterns(std::string_view user,
                                                                       std::string_view virtual_host,
                                                                       std::string_view exchange) const {
  const auto of_user = topic_permissions_.find({std::string{user}, std::string{virtual_host}});
  if (of_user == topic_permissions_.end()) return nullptr;
  const auto found = of_user->second.find(exchange);
  return found == of_user->second.end() ? nullptr : found->second.get();
}

bool AccessControl::has_topic_permission(std::string_view user, std::string_view virtual_host,
                                         std::string_view exchange) const {
  const std::shared_lock lock{mutex_};
  return find_topic_patterns(user, virtual_host, exchange) != nullptr;
}

bool AccessControl::is_topic_allowed(std::string_view user, std::string_view virtual_host, std::string_view exchange,
                                     Access access, std::string_view routing_key) const {
  const std::shared_lock lock{mutex_};
  const TopicPatterns* patterns = find_topic_patterns(user, virtual_host, exchange);
  return !patterns || (access == Access::write ? patterns->write : patterns->read).matches(routing_key);
}

void AccessControl::put_user(const User& user) {
  const std::unique_lock lock{mutex_};
  protocol::FieldTableBuilder value;
  value.put("password_hash", user.password_hash);
  value.put("hashing_algorithm", user.hashing_algorithm);
  value.put("tags", boost::algorithm::join(user.tags, ","));
  store_.put_definition(make_key(Kind::user, {user.name}), value.take());
  users_[user.name] = user;
  changed();
}

void AccessControl::put_permission(std::string_view user, std::string_view virtual_host, const Permission& permission) {
  const std::unique_lock lock{mutex_};
  protocol::FieldTableBuilder value;
  value.put("configure", permission.configure);
  value.put("write", permission.write);
  value.put("read", permission.read);
  store_.put_definition(make_key(Kind::permission, {user, virtual_host}), value.take());
  permissions_[{std::string{user}, std::string{virtual_host}}] = std::make_unique<Patterns>(permission);
  changed();
}

void AccessControl::put_topic_permission(std::string_view user, std::string_view virtual_host,
                                         std::string_view exchange, const TopicPermission& permission) {
  const std::unique_lock lock{mutex_};
  protocol::FieldTableBuilder value;
  value.put("write", permission.write);
  value.put("read", permission.read);
  store_.put_definition(make_key(Kind::topic_permission, {user, virtual_host, exchange}), value.take());
  const UserAndVirtualHost whose{user, virtual_host};
  topic_permissions_[whose][std::string{exchange}] = std::make_unique<TopicPatterns>(whose, permission);
  changed();
}

void AccessControl::remove_user(std::string_view user) {
  remove_permissions([user](const UserAndVirtualHost& whose) { return whose.first == user; });
  const std::unique_lock lock{mutex_};
  store_.erase_definition(make_key(Kind::user, {user}));
  if (const auto found = users_.find(user); found != users_.end()) users_.erase(found);
  changed();
}

void AccessControl::remove_virtual_host(std::string_view virtual_host) {
  remove_permissions([virtual_host](const UserAndVirtualHost& whose) { return whose.second == virtual_host; });
}

template <class Meant>
void AccessControl::remove_permissions(Meant is_meant) {
  for (const auto& [user, virtual_host, permission] : permissions())
    if (is_meant({user, virtual_host})) remove_permission(user, virtual_host);
  for (const auto& [user, virtual_host, exchange, permission] : topic_permissions())
    if (is_meant({user, virtual_host})) remove_topic_permission(user, virtual_host, exchange);
}

bool AccessControl::remove_permission(std::string_view user, std::string_view virtual_host) {
  const std::unique_lock lock{mutex_};
  if (permissions_.erase({std::string{user}, std::string{virtual_host}}) == 0) return false;
  store_.erase_definition(make_key(Kind::permission, {user, virtual_host}));
  changed();
  return true;
}

bool AccessControl::remove_topic_permission(std::string_view user, std::string_view virtual_host,
                                            std::string_view exchange) {
  const std::unique_lock lock{mutex_};
  const auto of_user = topic_permissions_.find({std::string{user}, std::string{virtual_host}});
  if (of_user == topic_permissions_.end()) return false;
  const auto found = of_user->second.find(exchange);
  if (found == of_user->second.end()) return false;
  of_user->second.erase(found);
  if (of_user->second.empty()) topic_permissions_.erase(of_user);
  store_.erase_definition(make_key(Kind::topic_permission, {user, virtual_host, exchange}));
  changed();
  return true;
}

bool AccessControl::remove_topic_permissions(std::string_view user, std::string_view virtual_host) {
  bool has_removed = false;
  for (const auto& [whose, where, exchange, permission] : topic_permissions())
    if (whose == user && where == virtual_host) has_removed |= remove_topic_permission(user, virtual_host, exchange);
  return has_removed;
}

bool AccessControl::restore(std::string_view encoded_key, protocol::FieldTable value) {
  const auto key = definitions::parse_key(encoded_key);
  if (!key) return false;
  const auto& parts = key->parts;
  switch (key->kind) {
    case Kind::user: {
      User user{.name = parts.at(0), .password_hash = text(value, "password_hash")};
      if (const std::string algorithm = text(value, "hashing_algorithm"); !algorithm.empty())
        user.hashing_algorithm = algorithm;
      if (const std::string tags = text(value, "tags"); !tags.empty())
        boost::algorithm::split(user.tags, tags, [](char c) { return c == ','; });
      users_[user.name] = std::move(user);
      return true;
    }
    case Kind::permission:
      permissions_[{parts.at(0), parts.at(1)}] = std::make_unique<Patterns>(Permission{
          .configure = text(value, "configure"), .write = text(value, "write"), .read = text(value, "read")});
      return true;
    case Kind::topic_permission: {
      const UserAndVirtualHost whose{parts.at(0), parts.at(1)};
      topic_permissions_[whose][parts.at(2)] = std::make_unique<TopicPatterns>(
          whose, TopicPermission{.write = text(value, "write"), .read = text(value, "read")});
      return true;
    }
    default:
      return false;
  }
}

}  // namespace leveret::broker
