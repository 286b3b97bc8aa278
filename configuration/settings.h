#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace leveret::configuration {

/// One line of a configuration file.
struct Setting {
  std::string key{};
  std::string value{};
  std::filesystem::path file{};
  int line = 0;

  /// "/etc/rabbitmq/rabbitmq.conf:7", to begin a complaint with.
  std::string place() const;
};

/// The settings in a file of RabbitMQ's format, in their order:
///
///     # what follows a number sign is a comment
///     default_user = $(USER_NAME)                   the value of an environment variable
///     default_pass = $(</run/secrets/password)      the content of a file, but for the end of its last line
///     default_vhost = 'a # that is no comment'      in quotes a value stands as it is
///
/// Errors: std::runtime_error with one line that names the file, and the line where there is one.
std::vector<Setting> read_settings(const std::filesystem::path& file);

/// The files that are meant: itself, or those of a folder whose names end in ".conf", by name.
/// Errors: std::runtime_error when there is no such file or folder.
std::vector<std::filesystem::path> configuration_files(const std::filesystem::path& path);

}  // namespace leveret::configuration
