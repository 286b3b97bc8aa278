#pragma once
#include <string>
#include <string_view>

namespace leveret::management {

/// `text` as a gzip file (RFC 1952) of one member.
std::string gzip(std::string_view text);

/// Whether Accept-Encoding (RFC 9110, section 12.5.3) names gzip, and not to refuse it.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace leveret::management
