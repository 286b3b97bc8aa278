#include <vector>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "management/base64.h"
#include "management/control/command.h"
#include "management/target.h"

/// Users, what they may do, and the virtual hosts in which they may do it.
namespace leveret::management::control {
namespace {

namespace json = boost::json;

std::string user_path(const Session& session) {
  return "/api/users/" + session.encoded(0);
}

/// Throws: Failure when there is none.
json::object existing_user(const Session& session, std::string_view complaint = "User \"{}\" does not exist") {
  const Api::Answer answer = session.api.get(user_path(session));
  if (answer.status == 404)
    throw Failure{Exit::no_user, "Error:\n" + fmt::format(fmt::runtime(complaint), session.argument(0))};
  return answer.body.as_object();
}

/// What is asked of rights names a user without quotation marks.
void check_user(const Session& session) {
  existing_user(session, "User {} does not exist");
}

std::string password_of(const Session& session) {
  return session.invocation.arguments.size() > 1 ? session.argument(1) : line_from_standard_input("Password:");
}

void add_user(const Session& session) {
  if (session.api.get(user_path(session)).is_success())
    throw Failure{Exit::software, fmt::format("Error:\nUser \"{}\" already exists", session.argument(0))};
  session.put(user_path(session), {{"password", password_of(session)}, {"tags", ""}});
  if (!session.invocation.is_quiet())
    session.output << "Done. Don't forget to grant the user permissions to some virtual hosts! See 'rabbitmqctl help "
                      "set_permissions' to learn more.\n";
}

void delete_user(const Session& session) {
  existing_user(session);
  session.remove(user_path(session));
}

void change_password(const Session& session) {
  const json::object user = existing_user(session);
  session.put(user_path(session), {{"password", password_of(session)}, {"tags", user.at("tags")}});
}

void clear_password(const Session& session) {
  const json::object user = existing_user(session);
  session.put(user_path(session), {{"password_hash", ""}, {"tags", user.at("tags")}});
}

void authenticate_user(const Session& session) {
  const std::string credentials = session.argument(0) + ":" + password_of(session);
  const auto answer =
      session.api.ask({.target = "/api/whoami", .authorization = "Basic " + encode_base64(credentials)});
  // Whoever has no tag of management is refused after the password has been found right.
  if (!answer.is_success() && answer.reason() == "Login failed")
    throw Failure{Exit::data, fmt::format("Error:\nError: failed to authenticate user \"{}\"\nuser '{}' - invalid "
                                          "credentials",
                                          session.argument(0), session.argument(0))};
  session.output << "Success\n";
}

void set_user_tags(const Session& session) {
  const json::object user = existing_user(session);
  json::array tags;
  for (std::size_t i = 1; i < session.invocation.arguments.size(); ++i) tags.emplace_back(session.argument(i));
  session.put(user_path(session), {{"password_hash", user.at("password_hash")},
                                   {"hashing_algorithm", user.at("hashing_algorithm")},
                                   {"tags", std::move(tags)}});
}

std::string permission_path(const Session& session, std::string_view kind) {
  return fmt::format("/api/{}/{}/{}", kind, session.virtual_host(), session.encoded(0));
}

void set_permissions(const Session& session) {
  check_user(session);
  session.put(permission_path(session, "permissions"),
              {{"configure", session.argument(1)}, {"write", session.argument(2)}, {"read", session.argument(3)}});
}

void clear_permissions(const Session& session) {
  check_user(session);
  session.api.ask({.method = "DELETE", .target = permission_path(session, "permissions")});
}

void set_topic_permissions(const Session& session) {
  check_user(session);
  session.put(permission_path(session, "topic-permissions"),
              {{"exchange", session.argument(1)}, {"write", session.argument(2)}, {"read", session.argument(3)}});
}

void clear_topic_permissions(const Session& session) {
  check_user(session);
  session.api.ask({.method = "DELETE", .target = permission_path(session, "topic-permissions")});
}

std::string virtual_host_path(const Session& session) {
  return "/api/vhosts/" + session.encoded(0);
}

void add_virtual_host(const Session& session) {
  // One that is there already is left as it is, and no error.
  if (session.api.get(virtual_host_path(session)).is_success()) return;
  const auto& invocation = session.invocation;
  session.put(virtual_host_path(session), {{"description", invocation.option("description")},
                                           {"tags", invocation.option("tags")},
                                           {"default_queue_type", invocation.option("default-queue-type")}});
}

void delete_virtual_host(const Session& session) {
  if (!session.api.get(virtual_host_path(session)).is_success())
    throw Failure{Exit::data, fmt::format("Virtual host '{}' does not exist", session.argument(0))};
  session.remove(virtual_host_path(session));
}

const Command commands[]{
    {"add_user", "<username> <password>", 1, 2, "Adding user \"{0}\" ...", add_user},
    {"delete_user", "<username>", 1, 1, "Deleting user \"{0}\" ...", delete_user},
    {"change_password", "<username> <password>", 1, 2, "Changing password for user \"{0}\" ...", change_password},
    {"clear_password", "<username>", 1, 1, "Clearing password for user \"{0}\" ...", clear_password},
    {"authenticate_user", "<username> <password>", 1, 2, "Authenticating user \"{0}\" ...", authenticate_user},
    {"set_user_tags", "<username> <tag> [...]", 1, SIZE_MAX, "Setting tags for user \"{0}\" to {tags} ...",
     set_user_tags},
    {"set_permissions", "[-p <vhost>] <username> <conf> <write> <read>", 4, 4,
     "Setting permissions for user \"{0}\" in vhost \"{vhost}\" ...", set_permissions},
    {"clear_permissions", "[-p <vhost>] <username>", 1, 1,
     "Clearing permissions for user \"{0}\" in vhost \"{vhost}\" ...", clear_permissions},
    {"set_topic_permissions", "[-p <vhost>] <username> <exchange> <write> <read>", 4, 4,
     "Setting topic permissions on \"{1}\" for user \"{0}\" in vhost \"{vhost}\" ...", set_topic_permissions},
    {"clear_topic_permissions", "[-p <vhost>] <username>", 1, 1,
     "Clearing topic permissions for user \"{0}\" in vhost \"{vhost}\" ...", clear_topic_permissions},
    {"add_vhost", "<vhost> [--description <description>] [--tags \"<tag1>,<tag2>,<...>\"]", 1, 1,
     "Adding vhost \"{0}\" ...", add_virtual_host},
    {"delete_vhost", "<vhost>", 1, 1, "Deleting vhost \"{0}\" ...", delete_virtual_host},
};

}  // namespace

std::span<const Command> user_commands() {
  return commands;
}

}  // namespace leveret::management::control
