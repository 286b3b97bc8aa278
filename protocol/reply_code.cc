#include "protocol/reply_code.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace leveret::protocol {
namespace {

struct Row {
  ReplyCode code;
  std::string_view name;
  Scope scope;
};

constexpr std::array<Row, 19> rows{{
    {ReplyCode::reply_success, "REPLY_SUCCESS", Scope::connection},
    {ReplyCode::content_too_large, "CONTENT_TOO_LARGE", Scope::channel},
    {ReplyCode::no_route, "NO_ROUTE", Scope::channel},
    {ReplyCode::no_consumers, "NO_CONSUMERS", Scope::channel},
    {ReplyCode::connection_forced, "CONNECTION_FORCED", Scope::connection},
    {ReplyCode::invalid_path, "INVALID_PATH", Scope::connection},
    {ReplyCode::access_refused, "ACCESS_REFUSED", Scope::channel},
    {ReplyCode::not_found, "NOT_FOUND", Scope::channel},
    {ReplyCode::resource_locked, "RESOURCE_LOCKED", Scope::channel},
    {ReplyCode::precondition_failed, "PRECONDITION_FAILED", Scope::channel},
    {ReplyCode::frame_error, "FRAME_ERROR", Scope::connection},
    {ReplyCode::syntax_error, "SYNTAX_ERROR", Scope::connection},
    {ReplyCode::command_invalid, "COMMAND_INVALID", Scope::connection},
    {ReplyCode::channel_error, "CHANNEL_ERROR", Scope::connection},
    {ReplyCode::unexpected_frame, "UNEXPECTED_FRAME", Scope::connection},
    {ReplyCode::resource_error, "RESOURCE_ERROR", Scope::connection},
    {ReplyCode::not_allowed, "NOT_ALLOWED", Scope::connection},
    {ReplyCode::not_implemented, "NOT_IMPLEMENTED", Scope::connection},
    {ReplyCode::internal_error, "INTERNAL_ERROR", Scope::connection},
}};

const Row* row_of(ReplyCode code) {
  const auto* found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.code == code; });
  return found == rows.end() ? nullptr : found;
}

AmqpError error_of(ReplyCode code, std::string text) {
  return {.code = code, .text = std::move(text)};
}

}  // namespace

Scope scope_of(ReplyCode code) {
  const Row* row = row_of(code);
  return row ? row->scope : Scope::connection;
}

std::string_view name_of(ReplyCode code) {
  const Row* row = row_of(code);
  return row ? row->name : std::string_view{};
}

std::string AmqpError::reply_text() const {
  constexpr std::size_t size_max = 255;
  constexpr std::string_view ellipsis = "...";
  std::string reply{name_of(code)};
  if (!text.empty()) reply.append(" - ").append(text);
  if (reply.size() > size_max) reply.replace(size_max - ellipsis.size(), std::string::npos, ellipsis);
  return reply;
}

void throw_exception_from_error(const AmqpError& error, const boost::source_location& location) {
  throw std::logic_error("unhandled AMQP error at " + location.to_string() + ": " + error.reply_text());
}

AmqpError access_refused(std::string text) {
  return error_of(ReplyCode::access_refused, std::move(text));
}
AmqpError not_found(std::string text) {
  return error_of(ReplyCode::not_found, std::move(text));
}
AmqpError resource_locked(std::string text) {
  return error_of(ReplyCode::resource_locked, std::move(text));
}
AmqpError precondition_failed(std::string text) {
  return error_of(ReplyCode::precondition_failed, std::move(text));
}
AmqpError frame_error(std::string text) {
  return error_of(ReplyCode::frame_error, std::move(text));
}
AmqpError syntax_error(std::string text) {
  return error_of(ReplyCode::syntax_error, std::move(text));
}
AmqpError command_invalid(std::string text) {
  return error_of(ReplyCode::command_invalid, std::move(text));
}
AmqpError channel_error(std::string text) {
  return error_of(ReplyCode::channel_error, std::move(text));
}
AmqpError unexpected_frame(std::string text) {
  return error_of(ReplyCode::unexpected_frame, std::move(text));
}
AmqpError resource_error(std::string text) {
  return error_of(ReplyCode::resource_error, std::move(text));
}
AmqpError not_allowed(std::string text) {
  return error_of(ReplyCode::not_allowed, std::move(text));
}
AmqpError not_implemented(std::string text) {
  return error_of(ReplyCode::not_implemented, std::move(text));
}
AmqpError internal_error(std::string text) {
  return error_of(ReplyCode::internal_error, std::move(text));
}

}  // namespace leveret::protocol
