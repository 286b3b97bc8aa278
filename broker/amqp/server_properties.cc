#include "broker/amqp/server_properties.h"

#include "broker/version.h"
#include "protocol/field_table.h"

namespace leveret::broker::amqp {

std::string server_properties(std::string_view cluster_name, bool has_capabilities) {
  protocol::FieldTableBuilder capabilities;
  if (has_capabilities) {
    for (const std::string_view name : {"publisher_confirms", "exchange_exchange_bindings", "basic.nack",
                                        "consumer_cancel_notify", "connection.blocked", "consumer_priorities",
                                        "authentication_failure_close", "per_consumer_qos", "direct_reply_to"})
      capabilities.put(name, true);
  }
  protocol::FieldTableBuilder properties;
  properties.put("capabilities", capabilities)
      .put("cluster_name", cluster_name)
      .put("copyright", std::string_view{"Copyright (c) the Leveret authors"})
      .put("information", std::string_view{"A message broker that speaks AMQP 0-9-1"})
      .put("leveret_version", leveret_version)
      .put("platform", std::string_view{"C++20"})
      .put("product", std::string_view{"Leveret"})
      .put("version", rabbitmq_version);
  return properties.take();
}

}  // namespace leveret::broker::amqp
