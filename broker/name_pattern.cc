// How many steps a search may take before it counts as too costly: some milliseconds.
#define BOOST_REGEX_MAX_STATE_COUNT 200000

#include "broker/name_pattern.h"

#include <fmt/format.h>
#include <boost/regex.hpp>

namespace leveret::broker {
namespace {

/// In the words of PCRE, where it has a word for the fault.
std::string describe(const boost::regex_error& error) {
  switch (error.code()) {
    case boost::regex_constants::error_paren:
      return "missing )";
    case boost::regex_constants::error_badrepeat:
      return "nothing to repeat";
    case boost::regex_constants::error_brack:
      return "missing terminating ] for character class";
    case boost::regex_constants::error_range:
      return "range out of order in character class";
    case boost::regex_constants::error_ctype:
      return "unknown POSIX class name";
    case boost::regex_constants::error_escape:
      return "\\ at end of pattern";
    default:
      return error.what();
  }
}

}  // namespace

struct NamePattern::Compiled {
  boost::regex regex{};
  std::string fault{};
};

NamePattern::NamePattern(const std::string& pattern) : compiled_(std::make_unique<Compiled>()) {
  try {
    // An empty expression is an error to Boost, unless it stands in a group.
    compiled_->regex.assign(pattern.empty() ? "(?:)" : pattern, boost::regex::perl);
  } catch (const boost::regex_error& error) {
    compiled_->fault = fmt::format("{{\"{}\",{}}}", describe(error), error.position());
  }
}

NamePattern::NamePattern(NamePattern&&) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&&) noexcept = default;
NamePattern::~NamePattern() = default;

bool NamePattern::matches(std::string_view name) const {
  if (!compiled_->fault.empty()) return false;
  try {
    return boost::regex_search(name.begin(), name.end(), compiled_->regex);
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::string NamePattern::fault() const {
  return compiled_->fault;
}

}  // namespace leveret::broker
