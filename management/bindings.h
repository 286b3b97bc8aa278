#pragma once
#include <functional>
#include <string>

#include "management/request.h"

namespace leveret::management {

json::object to_json(const broker::BindingReport& binding);

/// Those in the path's virtual host that are meant.
Response list_bindings_where(const Request& request, const std::function<bool(const broker::BindingReport&)>& is_meant);

/// By which a binding is known among those of its source and destination: "~" for none, its routing key, and behind "~"
/// a hash of its arguments when it has some; percent-encoded.
std::string properties_key(const broker::BindingReport& binding);

/// "amq.default" stands for the default exchange, whose name is empty.
std::string exchange_name(const std::string& in_path);

/// A name that AMQP can carry.  Throws: Refusal for one of more than 255 octets.
const std::string& checked_name(const std::string& name);
std::string checked_name(std::string&& name);

}  // namespace leveret::management
