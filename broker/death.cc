#include "broker/death.h"

#include <algorithm>

#include "broker/carbon_copies.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using protocol::FieldArray;
using protocol::FieldArrayBuilder;
using protocol::FieldEntry;
using protocol::FieldTable;
using protocol::FieldTableBuilder;
using protocol::FieldValue;

/// A field table by name, in the order in which RabbitMQ keeps one that it has changed: sorted.  The last one put
/// stands.
class Headers {
 public:
  explicit Headers(FieldTable table) {
    for (const FieldEntry& entry : table)
      entries_.push_back({std::string{entry.name}, encoded(entry.name, entry.value)});
  }

  void erase(std::string_view name) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.name == name; });
  }

  template <class T>
  void put(std::string_view name, const T& value) {
    erase(name);
    FieldTableBuilder builder;
    builder.put(name, value);
    entries_.push_back({std::string{name}, builder.take()});
  }

  std::string take() {
    std::stable_sort(entries_.begin(), entries_.end(), [](auto& a, auto& b) { return a.name < b.name; });
    std::string table;
    for (const Entry& entry : entries_) table += entry.encoded;
    return table;
  }

 private:
  struct Entry {
    std::string name;
    std::string encoded;  // a table of just this
  };

  static std::string encoded(std::string_view name, const FieldValue& value) {
    FieldTableBuilder builder;
    builder.put_value(name, value);
    return builder.take();
  }

  std::vector<Entry> entries_{};
};

std::string_view text_of(FieldTable table, std::string_view name) {
  const auto value = table.find(name);
  return value ? value->as_text().value_or("") : "";
}

std::int64_t count_of(FieldTable death) {
  const auto count = death.find("count");
  return count ? count->as_integer().value_or(1) : 1;
}

bool is_of(FieldTable death, std::string_view queue, std::string_view reason) {
  return text_of(death, "queue") == queue && text_of(death, "reason") == reason;
}

FieldTableBuilder first_of_its_kind(const Message& message, const protocol::BasicProperties& properties,
                                    const Death& death, FieldTable headers) {
  FieldArrayBuilder routing_keys;
  for (const auto key : routing_keys_of(message.routing_key(), headers)) routing_keys.add(key);
  FieldTableBuilder entry;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(death.time).time_since_epoch().count();
  entry.put("count", std::int64_t{1})
      .put("reason", name_of(death.reason))
      .put("queue", death.queue)
      .put("time", protocol::Timestamp{static_cast<std::uint64_t>(seconds)})
      .put("exchange", message.exchange())
      .put("routing-keys", routing_keys);
  if (properties.expiration) entry.put("original-expiration", *properties.expiration);
  return entry;
}

FieldTableBuilder one_more(FieldTable before, std::int64_t count) {
  FieldTableBuilder entry;
  entry.put("count", count);
  for (const auto& [name, value] : before)
    if (name != "count") entry.put_value(name, value);
  return entry;
}

/// The array x-death with this death in front; entries of the same queue and reason become one.
FieldArrayBuilder history(std::optional<FieldArray> deaths, const Death& death, const FieldTableBuilder& first) {
  std::int64_t count = 0;
  std::optional<FieldTable> before;
  FieldArrayBuilder others;
  for (const FieldValue& value : deaths.value_or(FieldArray{})) {
    const auto table = value.as_table();
    if (table && is_of(*table, death.queue, name_of(death.reason))) {
      count += count_of(*table);
      if (!before) before = table;
    } else if (table) {
      others.add(*table);
    }
  }
  FieldArrayBuilder all;
  if (before)
    all.add(one_more(*before, count + 1));
  else
    all.add(first);
  for (const FieldValue& value : others.view()) all.add(value);
  return all;
}

void put_summary(Headers& headers, std::string_view which, const Message& message, const Death& death) {
  const std::string prefix = std::string{"x-"} + std::string{which} + "-death-";
  headers.put(prefix + "reason", name_of(death.reason));
  headers.put(prefix + "queue", death.queue);
  headers.put(prefix + "exchange", message.exchange());
}

}  // namespace

std::string_view name_of(DeathReason reason) {
  switch (reason) {
    case DeathReason::rejected:
      return "rejected";
    case DeathReason::expired:
      return "expired";
    case DeathReason::maxlen:
      return "maxlen";
    case DeathReason::delivery_limit:
      return "delivery_limit";
  }
  return {};
}

MessageRef dead_lettered(const Message& message, const Death& death) {
  // What a channel has taken in has been validated.
  protocol::BasicProperties properties = protocol::decode_properties(message.properties()).value();
  const FieldTable before = properties.headers.value_or(FieldTable{});
  const auto deaths = before.find("x-death");
  Headers headers{before};
  headers.put("x-death", history(deaths ? deaths->as_array() : std::nullopt, death,
                                 first_of_its_kind(message, properties, death, before)));
  if (!deaths) put_summary(headers, "first", message, death);
  put_summary(headers, "last", message, death);
  if (death.routing_key) headers.erase("CC");
  const std::string encoded = headers.take();
  properties.headers = FieldTable{protocol::as_octets(encoded)};
  properties.expiration.reset();
  return with_properties(message, properties,
                         {.exchange = death.exchange,
                          .routing_key = death.routing_key.value_or(message.routing_key()),
                          .arrival = death.time});
}

bool is_automatic_cycle(FieldTable headers, std::string_view queue) {
  const auto deaths = headers.find("x-death");
  for (const FieldValue& value : deaths ? deaths->as_array().value_or(FieldArray{}) : FieldArray{}) {
    const auto death = value.as_table();
    if (!death) continue;
    if (text_of(*death, "reason") == name_of(DeathReason::rejected)) return false;
    if (text_of(*death, "queue") == queue) return true;
  }
  return false;
}

}  // namespace leveret::broker
