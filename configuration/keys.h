#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/draft.h"
#include "configuration/value.h"

namespace leveret::configuration {

/// A setting of RabbitMQ's configuration file.
struct Key {
  std::string name{};  // a word that begins with $ stands for any; a last word * for one or more of any
  Type type = Text{};
  std::string meaning{};  // what it sets; else why it changes nothing, or is refused
  std::function<void(Draft&, const Value&)> apply{};
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
