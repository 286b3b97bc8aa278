#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "broker/definition_store.h"
#include "protocol/field_table.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

namespace definitions {
struct Key;
}

/// What is limited: virtual hosts have max-connections and max-queues, users max-connections and max-channels.
enum class LimitOf { virtual_host, user };

/// The limits that operators have set.  Below zero is no limit.  Kept in the store.  Takes calls from any thread.
class Limits {
 public:
  using Named = std::map<std::string, std::int64_t, std::less<>>;

  explicit Limits(DefinitionStore definitions) : definitions_(definitions) {}

  /// Errors: precondition_failed with RabbitMQ's whole reason for an unknown name or a value that is no integer.
  protocol::Result<void> put(LimitOf of, std::string_view subject, std::string_view name,
                             const boost::json::value& value);
  void erase(LimitOf of, std::string_view subject, std::string_view name);
  void erase_all_of(LimitOf of, std::string_view subject);

  /// Nothing when there is no limit.
  std::optional<std::uint64_t> find(LimitOf of, std::string_view subject, std::string_view name) const;
  /// As they were set, by the name of the virtual host or user.
  std::map<std::string, Named, std::less<>> all(LimitOf of) const;

  /// Takes up one of the store's definitions; false when it is about something else.
  bool restore(const definitions::Key& key, protocol::FieldTable value);

 private:
  using BySubject = std::map<std::string, Named, std::less<>>;
  BySubject& limits(LimitOf of) { return limits_[static_cast<std::size_t>(of)]; }
  const BySubject& limits(LimitOf of) const { return limits_[static_cast<std::size_t>(of)]; }
  void store(LimitOf of, std::string_view subject);

  DefinitionStore definitions_;
  mutable std::shared_mutex mutex_{};
  std::array<BySubject, 2> limits_{};
};

}  // namespace leveret::broker
