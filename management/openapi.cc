#include <algorithm>

#include "management/handlers.h"
#include "management/router.h"

namespace leveret::management {
namespace {

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "get";
    case Method::put:
      return "put";
    case Method::post:
      return "post";
    case Method::remove:
      return "delete";
  }
  return "";
}

std::string_view text_of(Right right) {
  switch (right) {
    case Right::anyone:
      return "For anyone.";
    case Right::user:
      return "For users with any management tag.";
    case Right::virtual_host:
      return "For users who may enter the virtual host.";
    case Right::monitoring:
      return "For users with the tag monitoring or administrator.";
    case Right::policymaker:
      return "For users with the tag policymaker or administrator who may enter the virtual host.";
    case Right::administrator:
      return "For users with the tag administrator.";
  }
  return "";
}

/// Takes what stands before the separator off `text`, and the separator.
std::string_view take_until(std::string_view& text, std::string_view separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + separator.size(), text.size()));
  return part;
}

json::object schema_of_type(std::string_view type) {
  if (type == "any") return {};
  if (type != "list") return {{"type", type}};
  const json::object text{{"type", "string"}};
  return {{"oneOf", json::array{text, json::object{{"type", "array"}, {"items", text}}}}};
}

/// From "name*: string, durable: boolean".
json::object schema_of(std::string_view body) {
  json::object properties;
  json::array required;
  while (!body.empty()) {
    std::string_view type = take_until(body, ", ");
    std::string_view name = take_until(type, ": ");
    if (name.ends_with('*')) {
      name.remove_suffix(1);
      required.push_back(json::string{name});
    }
    properties[name] = schema_of_type(type);
  }
  json::object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

json::array parameters_of(std::string_view path) {
  json::array parameters;
  while (path.find('{') != std::string_view::npos) {
    take_until(path, "{");
    parameters.push_back(json::object{{"name", take_until(path, "}")},
                                      {"in", "path"},
                                      {"required", true},
                                      {"schema", json::object{{"type", "string"}}}});
  }
  return parameters;
}

json::object operation_of(const Route& route) {
  json::object operation{{"summary", route.summary},
                         {"description", text_of(route.right)},
                         {"parameters", parameters_of(route.path)},
                         {"responses", json::object{{"default", json::object{{"description",
                                                                              "See the summary; errors "
                                                                              "have error and reason."}}}}}};
  if (!route.body.empty())
    operation["requestBody"] =
        json::object{{"content", json::object{{"application/json", json::object{{"schema", schema_of(route.body)}}}}}};
  if (route.right == Right::anyone) operation["security"] = json::array{};
  return operation;
}

}  // namespace

Response show_openapi(const Request& request) {
  json::object paths;
  for (const Route& route : routes()) {
    json::value& path = paths[route.path];
    if (!path.is_object()) path = json::object{};
    path.get_object()[name_of(route.method)] = operation_of(route);
  }
  const json::object basic{{"type", "http"}, {"scheme", "basic"}};
  return answer(json::object{{"openapi", "3.0.3"},
                             {"info", json::object{{"title", "Leveret HTTP API"},
                                                   {"description", "RabbitMQ's management API, as Leveret serves it."},
                                                   {"version", json::string{request.broker.version()}}}},
                             {"components", json::object{{"securitySchemes", json::object{{"basic", basic}}}}},
                             {"security", json::array{json::object{{"basic", json::array{}}}}},
                             {"paths", std::move(paths)}});
}

}  // namespace leveret::management
