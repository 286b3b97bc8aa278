#include "configuration/settings.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace leveret::configuration {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::ifstream open(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream || std::filesystem::is_directory(file))
    throw std::runtime_error{fmt::format("cannot read {}", file.string())};
  return stream;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream = open(file);
  std::string content{std::istreambuf_iterator<char>{stream}, {}};
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  return content;
}

/// What stands for "VARIABLE" or "<FILE" in a value.
std::string meaning_of(std::string_view name) {
  if (name.starts_with('<')) return content_of(std::filesystem::path{trimmed(name.substr(1))});
  const std::string variable{trimmed(name)};
  const char* value = std::getenv(variable.c_str());
  if (!value) throw std::runtime_error{fmt::format("the environment has no variable {}", variable)};
  return value;
}

std::string substituted(std::string_view text) {
  std::string result;
  while (true) {
    const std::size_t begin = text.find("$(");
    const std::size_t end = text.find(')', std::min(begin, text.size()));
    if (end == std::string_view::npos) return result.append(text);
    result.append(text.substr(0, begin)).append(meaning_of(text.substr(begin + 2, end - begin - 2)));
    text.remove_prefix(end + 1);
  }
}

/// What stands right of the equals sign, and may be followed by a comment.
std::string value_in(std::string_view text) {
  if (!text.starts_with('\'')) return substituted(trimmed(text.substr(0, text.find('#'))));
  const std::size_t end = text.find('\'', 1);
  const std::string_view rest = end == std::string_view::npos ? text : trimmed(text.substr(end + 1));
  if (end == std::string_view::npos || (!rest.empty() && !rest.starts_with('#')))
    throw std::runtime_error{"a value that begins with ' ends with ', and nothing but a comment follows"};
  return std::string{text.substr(1, end - 1)};
}

std::optional<Setting> setting_in(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line.starts_with('#')) return {};
  const std::size_t equals = line.find('=');
  const std::string_view key = trimmed(line.substr(0, std::min(equals, line.size())));
  if (equals == std::string_view::npos || key.empty() || key.find_first_of(" \t#") != std::string_view::npos)
    throw std::runtime_error{"expected `key = value`"};
  return Setting{.key = std::string{key}, .value = value_in(trimmed(line.substr(equals + 1)))};
}

}  // namespace

std::string Setting::place() const {
  return fmt::format("{}:{}", file.string(), line);
}

std::vector<Setting> read_settings(const std::filesystem::path& file) {
  std::ifstream stream = open(file);
  std::vector<Setting> settings;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    try {
      auto setting = setting_in(line);
      if (!setting) continue;
      setting->file = file;
      setting->line = number;
      settings.push_back(*std::move(setting));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error{fmt::format("{}:{}: {}", file.string(), number, error.what())};
    }
  }
  return settings;
}

std::vector<std::filesystem::path> configuration_files(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{path})
    if (entry.path().extension() == ".conf" && !entry.is_directory()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace leveret::configuration
