#include <fmt/format.h>

#include "management/handlers.h"
#include "management/router.h"

/// What a browser finds where RabbitMQ has its web UI and its documentation.
namespace leveret::management {
namespace {

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
    case Method::remove:
      return "DELETE";
  }
  return {};
}

std::string make_documentation() {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>HTTP API</title></head><body>\n"
      "<h1>HTTP API</h1>\n<p>For programs: <a href=\"openapi.json\">openapi.json</a>. Log in with a user's name and "
      "password (Basic). Names in a path are percent-encoded: the virtual host / is %2F.</p>\n<table>\n";
  for (const Route& route : routes())
    page += fmt::format("<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td><code>{}</code></td></tr>\n",
                        name_of(route.method), route.path, route.summary, route.body);
  return page + "</table>\n</body></html>\n";
}

}  // namespace

Response go_to_documentation(const Request&) {
  return {.status = 301, .headers = {{"location", "/api/index.html"}}};
}

Response show_documentation(const Request&) {
  static const std::string page = make_documentation();
  return {.body = page, .content_type = "text/html; charset=utf-8"};
}

}  // namespace leveret::management
