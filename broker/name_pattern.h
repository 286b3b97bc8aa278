#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace leveret::broker {

/// A pattern for names: Perl's regular expressions, found anywhere in the name.
///
/// One that is wrong matches nothing, and neither does one too costly to evaluate for a name: the work is bounded.
class NamePattern {
 public:
  explicit NamePattern(const std::string& pattern);
  NamePattern(NamePattern&&) noexcept;
  NamePattern& operator=(NamePattern&&) noexcept;
  ~NamePattern();

  bool matches(std::string_view name) const;
  /// What is wrong, as RabbitMQ shows it: `{"missing )",1}`; empty when nothing is.
  std::string fault() const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace leveret::broker
