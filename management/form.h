#pragma once
#include <optional>
#include <string_view>

namespace leveret::management {

/// A field's contents in a form as browsers send one with a file (multipart/form-data, RFC 7578); a view into it.
/// Nothing when there is no such field, or it is no form.
std::optional<std::string_view> form_field(std::string_view form, std::string_view content_type, std::string_view name);

}  // namespace leveret::management
