#pragma once
#include <string>

#include "management/json_body.h"
#include "management/request.h"

namespace leveret::management {

/// A content header's properties from RabbitMQ's JSON and back.  Throws: Refusal for a property of a wrong type.
std::string encode_properties(const json::object& object);
json::object properties_to_json(const std::string& encoded);

}  // namespace leveret::management
