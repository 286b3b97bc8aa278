#include "management/form.h"

#include <string>

#include <fmt/format.h>

namespace leveret::management {
namespace {

/// What ends each field; empty for what is no form.
std::string delimiter_of(std::string_view content_type) {
  constexpr std::string_view parameter = "boundary=";
  const std::size_t at = content_type.find(parameter);
  if (at == std::string_view::npos) return {};
  std::string_view boundary = content_type.substr(at + parameter.size());
  boundary = boundary.starts_with('"') ? boundary.substr(1, boundary.find('"', 1) - 1)
                                       : boundary.substr(0, boundary.find_first_of("; "));
  return boundary.empty() ? std::string{} : fmt::format("\r\n--{}", boundary);
}

}  // namespace

std::optional<std::string_view> form_field(std::string_view form, std::string_view content_type,
                                           std::string_view name) {
  constexpr std::string_view blank_line = "\r\n\r\n";
  const std::string delimiter = delimiter_of(content_type);
  if (delimiter.empty()) return {};
  const std::string wanted = fmt::format(" name=\"{}\"", name);
  while (true) {
    const std::size_t headers_end = form.find(blank_line);
    if (headers_end == std::string_view::npos) return {};
    const std::string_view headers = form.substr(0, headers_end);
    // The blank line of an empty field is also the line break before its end.
    const std::string_view rest = form.substr(headers_end + 2);
    const std::size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) return {};
    if (headers.find(wanted) != std::string_view::npos) return end < 2 ? "" : rest.substr(2, end - 2);
    form = rest.substr(end + delimiter.size());
  }
}

}  // namespace leveret::management
