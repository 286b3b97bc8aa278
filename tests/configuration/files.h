#pragma once
#include <filesystem>
#include <fstream>
#include <string_view>

#include "configuration/configuration_file.h"
#include "tests/support/temporary_directory.h"

namespace leveret::configuration {

/// Files in a directory of their own.
class Files {
 public:
  std::filesystem::path write(std::string_view name, std::string_view content) {
    const auto path = directory_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << content;
    return path;
  }
  const std::filesystem::path& path() const { return directory_.path(); }

 private:
  test::TemporaryDirectory directory_{};
};

/// The message of what `action` throws; empty when it throws nothing.
template <class Action>
std::string complaint_of(Action action) {
  try {
    action();
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

/// What a file with that content makes of the defaults.
inline Options options_from(std::string_view content) {
  Files files;
  Options options;
  read_configuration_files({files.write("rabbitmq.conf", content)}, options);
  return options;
}

/// The complaint about such a file, without its path.
inline std::string complaint_about(std::string_view content) {
  Files files;
  const auto file = files.write("rabbitmq.conf", content);
  Options options;
  std::string complaint = complaint_of([&] { read_configuration_files({file}, options); });
  const std::size_t at = complaint.find("rabbitmq.conf:");
  return at == std::string::npos ? complaint : complaint.substr(at);
}

}  // namespace leveret::configuration
