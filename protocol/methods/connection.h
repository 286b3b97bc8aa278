#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// The life of a connection: greeting, authentication, tuning, opening and closing.  Class 10, on channel 0.
namespace leveret::protocol::connection {

/// Greets the client: what the server is and how it may log in.
struct Start {
  static constexpr MethodId id{10, 10};
  static constexpr std::string_view name = "connection.start";

  std::uint8_t version_major{};
  std::uint8_t version_minor{};
  FieldTable server_properties{};
  LongString mechanisms{};
  LongString locales{};

  static constexpr auto fields =
      std::tuple{field("version-major", &Start::version_major), field("version-minor", &Start::version_minor),
                 field("server-properties", &Start::server_properties), field("mechanisms", &Start::mechanisms),
                 field("locales", &Start::locales)};
};

/// Chooses a mechanism and answers its first challenge.
struct StartOk {
  static constexpr MethodId id{10, 11};
  static constexpr std::string_view name = "connection.start-ok";

  FieldTable client_properties{};
  ShortString mechanism{};
  LongString response{};
  ShortString locale{};

  static constexpr auto fields =
      std::tuple{field("client-properties", &StartOk::client_properties), field("mechanism", &StartOk::mechanism),
                 field("response", &StartOk::response), field("locale", &StartOk::locale)};
};

/// Asks for another round of the mechanism.
struct Secure {
  static constexpr MethodId id{10, 20};
  static constexpr std::string_view name = "connection.secure";

  LongString challenge{};

  static constexpr auto fields = std::tuple{field("challenge", &Secure::challenge)};
};

/// Answers connection.secure.
struct SecureOk {
  static constexpr MethodId id{10, 21};
  static constexpr std::string_view name = "connection.secure-ok";

  LongString response{};

  static constexpr auto fields = std::tuple{field("response", &SecureOk::response)};
};

/// Proposes limits; 0 is no limit, `heartbeat` counts seconds.
struct Tune {
  static constexpr MethodId id{10, 30};
  static constexpr std::string_view name = "connection.tune";

  std::uint16_t channel_max{};
  std::uint32_t frame_max{};
  std::uint16_t heartbeat{};

  static constexpr auto fields = std::tuple{field("channel-max", &Tune::channel_max),
                                            field("frame-max", &Tune::frame_max), field("heartbeat", &Tune::heartbeat)};
};

/// Settles the limits for this connection.
struct TuneOk {
  static constexpr MethodId id{10, 31};
  static constexpr std::string_view name = "connection.tune-ok";

  std::uint16_t channel_max{};
  std::uint32_t frame_max{};
  std::uint16_t heartbeat{};

  static constexpr auto fields =
      std::tuple{field("channel-max", &TuneOk::channel_max), field("frame-max", &TuneOk::frame_max),
                 field("heartbeat", &TuneOk::heartbeat)};
};

/// Enters a virtual host.
struct Open {
  static constexpr MethodId id{10, 40};
  static constexpr std::string_view name = "connection.open";

  ShortString virtual_host{};
  ShortString capabilities{};
  bool insist{};

  static constexpr auto fields = std::tuple{field("virtual-host", &Open::virtual_host),
                                            field("capabilities", &Open::capabilities), field("insist", &Open::insist)};
};

/// The connection is ready for channels.
struct OpenOk {
  static constexpr MethodId id{10, 41};
  static constexpr std::string_view name = "connection.open-ok";

  ShortString known_hosts{};

  static constexpr auto fields = std::tuple{field("known-hosts", &OpenOk::known_hosts)};
};

/// Ends the connection; names the method that was refused, if one was.
struct Close {
  static constexpr MethodId id{10, 50};
  static constexpr std::string_view name = "connection.close";

  std::uint16_t reply_code{};
  ShortString reply_text{};
  std::uint16_t class_id{};
  std::uint16_t method_id{};

  static constexpr auto fields =
      std::tuple{field("reply-code", &Close::reply_code), field("reply-text", &Close::reply_text),
                 field("class-id", &Close::class_id), field("method-id", &Close::method_id)};
};

/// Confirms connection.close; nothing follows it.
struct CloseOk {
  static constexpr MethodId id{10, 51};
  static constexpr std::string_view name = "connection.close-ok";

  static constexpr auto fields = std::tuple{};
};

/// Publishing waits until the server has resources again.  RabbitMQ's extension.
struct Blocked {
  static constexpr MethodId id{10, 60};
  static constexpr std::string_view name = "connection.blocked";

  ShortString reason{};

  static constexpr auto fields = std::tuple{field("reason", &Blocked::reason)};
};

/// Publishing goes on.  RabbitMQ's extension.
struct Unblocked {
  static constexpr MethodId id{10, 61};
  static constexpr std::string_view name = "connection.unblocked";

  static constexpr auto fields = std::tuple{};
};

/// Replaces the credentials before they expire.  RabbitMQ's extension.
struct UpdateSecret {
  static constexpr MethodId id{10, 70};
  static constexpr std::string_view name = "connection.update-secret";

  LongString new_secret{};
  ShortString reason{};

  static constexpr auto fields =
      std::tuple{field("new-secret", &UpdateSecret::new_secret), field("reason", &UpdateSecret::reason)};
};

/// Confirms connection.update-secret.
struct UpdateSecretOk {
  static constexpr MethodId id{10, 71};
  static constexpr std::string_view name = "connection.update-secret-ok";

  static constexpr auto fields = std::tuple{};
};

}  // namespace leveret::protocol::connection
