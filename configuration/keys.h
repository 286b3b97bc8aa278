#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/options.h"
#include "configuration/value.h"

namespace leveret::configuration {

/// Options in the making.  A list that a file mentions at all replaces the default one.
struct Draft {
  Options& options;
  bool listens_to_nobody = false;
  bool has_no_loopback_users = false;
  bool names_plain_http = false;
  bool names_plain_prometheus = false;
  std::optional<std::vector<broker::ListenAddress>> amqp{};
  std::optional<std::vector<std::string>> loopback_users{};
  std::optional<std::vector<std::string>> default_user_tags{};
  std::optional<std::vector<std::string>> auth_mechanisms{};

  broker::ListenAddress& secure_http();
  broker::ListenAddress& secure_prometheus();
  /// Errors: std::runtime_error when something that is needed has not been named.
  void finish();
};

/// A setting of RabbitMQ's configuration file.
struct Key {
  using Apply = void (*)(Draft&, const Value&);

  std::string_view name{};  // a word that begins with $ stands for any; a last word * for one or more of any
  Type type = Text{};
  std::string_view meaning{};  // what it sets; else why it changes nothing, or is refused
  Apply apply = nullptr;
};

/// Those that set something, those that are taken and change nothing, and those that are refused.
std::span<const Key> keys_with_effect();
std::span<const Key> keys_without_effect();
std::span<const Key> refused_keys();

/// Whether the key's name is meant by `name`.
bool fits(const Key& key, std::string_view name);
const Key* find_key(std::span<const Key> keys, std::string_view name);
/// What stands in `name` for the key's $word.
std::string variable_word(const Key& key, std::string_view name);
/// The known name that takes the fewest changes of a character to get to.
std::string nearest_key(std::string_view name);

}  // namespace leveret::configuration
