#include "configuration/configuration_file.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "configuration/keys.h"
#include "configuration/settings.h"

namespace leveret::configuration {
namespace {

/// All settings, of which one with a key takes the place of an earlier one with the same.
std::vector<Setting> settings_in(const std::vector<std::filesystem::path>& paths) {
  std::vector<Setting> all;
  for (const auto& path : paths)
    for (const auto& file : configuration_files(path))
      for (Setting& setting : read_settings(file)) {
        std::erase_if(all, [&](const Setting& earlier) { return earlier.key == setting.key; });
        all.push_back(std::move(setting));
      }
  return all;
}

Value value_of(const Key& key, const Setting& setting) {
  if (setting.value.starts_with("encrypted:"))
    throw std::runtime_error{fmt::format("{}: {}: encrypted values are not there; use $(VARIABLE) or $(</FILE)",
                                         setting.place(), setting.key)};
  auto value = parse_value(key.type, setting.value);
  if (!value)
    throw std::runtime_error{fmt::format("{}: {}: expected {}, found \"{}\"", setting.place(), setting.key,
                                         description_of(key.type), setting.value)};
  value->name = variable_word(key, setting.key);
  return *std::move(value);
}

void apply(const Setting& setting, Draft& draft) {
  if (const Key* key = find_key(keys_with_effect(), setting.key)) return key->apply(draft, value_of(*key, setting));
  const Key* ineffective = find_key(keys_without_effect(), setting.key);
  if (ineffective && parse_value(ineffective->type, setting.value)) {
    draft.options.without_effect.push_back(
        fmt::format("{}: {}: {}", setting.place(), setting.key, ineffective->meaning));
    return;
  }
  if (const Key* key = find_key(refused_keys(), setting.key))
    throw std::runtime_error{fmt::format("{}: {}: {}", setting.place(), setting.key, key->meaning)};
  if (ineffective) value_of(*ineffective, setting);
  throw std::runtime_error{fmt::format("{}: unknown key {}; the nearest known one is {}", setting.place(), setting.key,
                                       nearest_key(setting.key))};
}

}  // namespace

void read_configuration_files(const std::vector<std::filesystem::path>& paths, Options& options) {
  Draft draft{.options = options};
  for (const Setting& setting : settings_in(paths)) apply(setting, draft);
  draft.finish();
}

}  // namespace leveret::configuration
