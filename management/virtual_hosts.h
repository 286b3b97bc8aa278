#pragma once
#include "management/json_body.h"

namespace leveret::management {

/// Takes from a body what it says of a virtual host; what it does not name stays.  The type of queues may be given by
/// the name that RabbitMQ's web UI has for it, too; "undefined" is none.
/// Throws: Refusal, for an unknown type of queues.
void change(broker::VirtualHostReport& virtual_host, const JsonBody& body);

/// What RabbitMQ calls its metadata.
json::object metadata_of(const broker::VirtualHostReport& virtual_host);

}  // namespace leveret::management
