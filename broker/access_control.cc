#include "broker/access_control.h"

#include <mutex>

#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/regex.hpp>

#include "broker/definitions.h"
#include "broker/password_hash.h"

namespace leveret::broker {
namespace {

using definitions::Kind;
using definitions::make_key;

/// A permission's pattern.  Found anywhere in the name, as RabbitMQ's; one too costly to evaluate matches nothing.
class NamePattern {
 public:
  explicit NamePattern(const std::string& pattern)
      : regex_(pattern.empty() ? "^$" : pattern, boost::regex::perl | boost::regex::no_except) {}

  bool matches(std::string_view name) const {
    if (regex_.status() != 0) return false;
    try {
      return boost::regex_search(name.begin(), name.end(), regex_);
    } catch (const std::runtime_error&) {
      return false;
    }
  }

 private:
  boost::regex regex_;
};

std::string text(protocol::FieldTable value, std::string_view name) {
  const auto found = value.find(name);
  return std::string{found ? found->as_text().value_or("") : ""};
}

}  // namespace

struct AccessControl::Patterns {
  explicit Patterns(const Permission& permission)
      : configure(permission.configure), write(permission.write), read(permission.read) {}
  const NamePattern& of(Access access) const {
    return access == Access::configure ? configure : access == Access::write ? write : read;
  }
  NamePattern configure, write, read;
};

struct AccessControl::TopicPatterns {
  explicit TopicPatterns(const TopicPermission& permission) : write(permission.write), read(permission.read) {}
  NamePattern write, read;
};

std::string_view name_of(Access access) {
  return access == Access::configure ? "configure" : access == Access::write ? "write" : "read";
}

AccessControl::AccessControl(storage::Store& store) : store_(store) {}
AccessControl::~AccessControl() = default;

bool AccessControl::password_matches(std::string_view name, std::string_view password) const {
  const auto user = find_user(name);
  return user && !password.empty() && broker::password_matches(password, user->password_hash);
}

std::optional<User> AccessControl::find_user(std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = users_.find(name);
  return found == users_.end() ? std::nullopt : std::optional{found->second};
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

bool AccessControl::is_topic_allowed(std::string_view user, std::string_view virtual_host, std::string_view exchange,
                                     Access access, std::string_view routing_key) const {
  const std::shared_lock lock{mutex_};
  const auto of_user = topic_permissions_.find({std::string{user}, std::string{virtual_host}});
  if (of_user == topic_permissions_.end()) return true;
  const auto found = of_user->second.find(exchange);
  if (found == of_user->second.end()) return true;
  return (access == Access::write ? found->second->write : found->second->read).matches(routing_key);
}

void AccessControl::put_user(const User& user) {
  const std::unique_lock lock{mutex_};
  protocol::FieldTableBuilder value;
  value.put("password_hash", user.password_hash);
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
  topic_permissions_[{std::string{user}, std::string{virtual_host}}][std::string{exchange}] =
      std::make_unique<TopicPatterns>(permission);
  changed();
}

void AccessControl::remove_user(std::string_view user) {
  const std::unique_lock lock{mutex_};
  store_.erase_definition(make_key(Kind::user, {user}));
  if (const auto found = users_.find(user); found != users_.end()) users_.erase(found);
  changed();
}

void AccessControl::remove_permission(std::string_view user, std::string_view virtual_host) {
  const std::unique_lock lock{mutex_};
  store_.erase_definition(make_key(Kind::permission, {user, virtual_host}));
  permissions_.erase({std::string{user}, std::string{virtual_host}});
  changed();
}

bool AccessControl::restore(std::string_view encoded_key, protocol::FieldTable value) {
  const auto key = definitions::parse_key(encoded_key);
  if (!key) return false;
  const auto& parts = key->parts;
  switch (key->kind) {
    case Kind::user: {
      User user{.name = parts.at(0), .password_hash = text(value, "password_hash")};
      if (const std::string tags = text(value, "tags"); !tags.empty())
        boost::algorithm::split(user.tags, tags, [](char c) { return c == ','; });
      users_[user.name] = std::move(user);
      return true;
    }
    case Kind::permission:
      permissions_[{parts.at(0), parts.at(1)}] = std::make_unique<Patterns>(Permission{
          .configure = text(value, "configure"), .write = text(value, "write"), .read = text(value, "read")});
      return true;
    case Kind::topic_permission:
      topic_permissions_[{parts.at(0), parts.at(1)}][parts.at(2)] =
          std::make_unique<TopicPatterns>(TopicPermission{.write = text(value, "write"), .read = text(value, "read")});
      return true;
    default:
      return false;
  }
}

}  // namespace leveret::broker
