#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker/password_hash.h"
#include "protocol/field_table.h"
#include "storage/store.h"

namespace leveret::broker {

/// What one does to an exchange or queue; each has a pattern of the names for which a user may do it.
enum class Access { configure, write, read };

std::string_view name_of(Access access);

struct User {
  std::string name{};
  std::string password_hash{};  // see password_hash.h; empty: no login by password
  std::string hashing_algorithm{default_hashing_algorithm};
  std::vector<std::string> tags{};
};

/// Patterns (Perl's regular expressions, found anywhere in the name; an empty one matches only an empty name).
struct Permission {
  std::string configure{};
  std::string write{};
  std::string read{};
};

/// Patterns for the routing keys of one topic exchange.  In them {username} and {vhost} stand for the user's name and
/// the virtual host's, letter for letter.
struct TopicPermission {
  std::string write{};
  std::string read{};
};

/// A permission and whose it is.
struct UserPermission {
  std::string user{};
  std::string virtual_host{};
  Permission permission{};
};

struct UserTopicPermission {
  std::string user{};
  std::string virtual_host{};
  std::string exchange{};
  TopicPermission permission{};
};

/// Who may log in and do what.  Takes calls from any thread.  Kept in the store.
class AccessControl {
 public:
  explicit AccessControl(storage::Store& store);
  ~AccessControl();

  /// Rises with every change, so that answers can be kept as long as it stands.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  bool password_matches(std::string_view user, std::string_view password) const;
  std::optional<User> find_user(std::string_view name) const;
  bool has_tag(std::string_view user, std::string_view tag) const;
  std::vector<User> users() const;
  std::vector<UserPermission> permissions() const;
  std::vector<UserTopicPermission> topic_permissions() const;

  bool may_enter(std::string_view user, std::string_view virtual_host) const;
  bool is_allowed(std::string_view user, std::string_view virtual_host, Access access, std::string_view name) const;
  /// Whether the routing keys of this user are looked at in this exchange.
  bool has_topic_permission(std::string_view user, std::string_view virtual_host, std::string_view exchange) const;
  /// True as well when nothing is said about this user and exchange.
  bool is_topic_allowed(std::string_view user, std::string_view virtual_host, std::string_view exchange, Access access,
                        std::string_view routing_key) const;

  void put_user(const User& user);
  void put_permission(std::string_view user, std::string_view virtual_host, const Permission& permission);
  void put_topic_permission(std::string_view user, std::string_view virtual_host, std::string_view exchange,
                            const TopicPermission& permission);
  /// With all permissions.
  void remove_user(std::string_view user);
  /// All permissions for a virtual host that is deleted.
  void remove_virtual_host(std::string_view virtual_host);
  /// These are false when there was nothing to remove.
  bool remove_permission(std::string_view user, std::string_view virtual_host);
  bool remove_topic_permission(std::string_view user, std::string_view virtual_host, std::string_view exchange);
  /// For all exchanges of the virtual host.
  bool remove_topic_permissions(std::string_view user, std::string_view virtual_host);

  /// Takes up one of the store's definitions; false when it is about something else.
  bool restore(std::string_view key, protocol::FieldTable value);

 private:
  struct Patterns;
  struct TopicPatterns;
  using UserAndVirtualHost = std::pair<std::string, std::string>;

  /// Nothing when nothing is said about them.
  const TopicPatterns* find_topic_patterns(std::string_view user, std::string_view virtual_host,
                                           std::string_view exchange) const;
  template <class Meant>
  void remove_permissions(Meant is_meant);
  void changed() { version_.fetch_add(1, std::memory_order_release); }

  storage::Store& store_;
  std::atomic<std::uint64_t> version_{1};
  mutable std::shared_mutex mutex_{};
  std::map<std::string, User, std::less<>> users_{};
  std::map<UserAndVirtualHost, std::unique_ptr<Patterns>> permissions_;
  std::map<UserAndVirtualHost, std::map<std::string, std::unique_ptr<TopicPatterns>, std::less<>>> topic_permissions_;
};

}  // namespace leveret::broker
