#include "broker/limits.h"

#include <mutex>

#include <fmt/format.h>

#include "broker/definitions.h"
#include "broker/erlang_json.h"

namespace leveret::broker {
namespace {

using definitions::Kind;

bool is_known(LimitOf of, std::string_view name) {
  return name == "max-connections" || name == (of == LimitOf::user ? "max-channels" : "max-queues");
}

/// The limits of virtual hosts are parameters, and are refused as such.
protocol::AmqpError refusal(LimitOf of, const std::string& why) {
  return protocol::precondition_failed(of == LimitOf::user ? why : fmt::format("Validation failed\n\n{}\n", why));
}

}  // namespace

protocol::Result<void> Limits::put(LimitOf of, std::string_view subject, std::string_view name,
                                   const boost::json::value& value) {
  if (!is_known(of, name))
    return refusal(of, fmt::format("Unrecognised terms [{{<<\"{}\">>,{}}}] in {}", name, erlang_text(value),
                                   of == LimitOf::user ? "user-limits" : "limits"));
  if (!value.is_int64())
    return refusal(of, fmt::format("{} should be a number, actually was {}", name, erlang_text(value)));
  const std::unique_lock lock{mutex_};
  limits(of)[std::string{subject}][std::string{name}] = value.get_int64();
  store(of, subject);
  return {};
}

void Limits::erase(LimitOf of, std::string_view subject, std::string_view name) {
  const std::unique_lock lock{mutex_};
  const auto found = limits(of).find(subject);
  if (found == limits(of).end()) return;
  if (const auto limit = found->second.find(name); limit != found->second.end()) found->second.erase(limit);
  store(of, subject);
}

void Limits::erase_all_of(LimitOf of, std::string_view subject) {
  const std::unique_lock lock{mutex_};
  const auto found = limits(of).find(subject);
  if (found == limits(of).end()) return;
  found->second.clear();
  store(of, subject);
}

void Limits::store(LimitOf of, std::string_view subject) {
  const auto found = limits(of).find(subject);
  auto key = definitions::make_key(of == LimitOf::user ? Kind::user_limits : Kind::virtual_host_limits, {subject});
  if (found->second.empty()) {
    limits(of).erase(found);
    return definitions_.erase(std::move(key));
  }
  protocol::FieldTableBuilder value;
  for (const auto& [name, limit] : found->second) value.put(name, limit);
  definitions_.put(std::move(key), value.take());
}

std::optional<std::uint64_t> Limits::find(LimitOf of, std::string_view subject, std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = limits(of).find(subject);
  if (found == limits(of).end()) return {};
  const auto limit = found->second.find(name);
  if (limit == found->second.end() || limit->second < 0) return {};
  return static_cast<std::uint64_t>(limit->second);
}

std::map<std::string, Limits::Named, std::less<>> Limits::all(LimitOf of) const {
  const std::shared_lock lock{mutex_};
  return limits(of);
}

bool Limits::restore(const definitions::Key& key, protocol::FieldTable value) {
  if (key.kind != Kind::user_limits && key.kind != Kind::virtual_host_limits) return false;
  Named& named = limits(key.kind == Kind::user_limits ? LimitOf::user : LimitOf::virtual_host)[key.parts.at(0)];
  for (const auto& [name, limit] : value) named[std::string{name}] = limit.as_integer().value_or(-1);
  return true;
}

}  // namespace leveret::broker
