#include "management/definition_file.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

namespace leveret::management {
namespace {

/// The reason in a refusal's JSON.
std::string reason_in(const std::string& body) {
  boost::system::error_code error;
  const json::value refusal = json::parse(body, error);
  const json::value* reason = !error && refusal.is_object() ? refusal.get_object().if_contains("reason") : nullptr;
  if (!reason) return body;
  return reason->is_string() ? std::string{reason->get_string()} : json::serialize(*reason);
}

}  // namespace

void import_definition_file(Router& router, const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream) throw std::runtime_error{fmt::format("cannot read the definitions in {}", file.string())};
  RawRequest request{.method = "POST",
                     .target = "/api/definitions",
                     .body = std::string{std::istreambuf_iterator<char>{stream}, {}},
                     .is_from_administrator = true};
  boost::asio::io_context context{1};
  auto answered = boost::asio::co_spawn(context, router.answer(std::move(request)), boost::asio::use_future);
  context.run();
  const Response response = answered.get();
  if (response.status >= 300)
    throw std::runtime_error{
        fmt::format("cannot import the definitions in {}: {}", file.string(), reason_in(response.body))};
}

}  // namespace leveret::management
