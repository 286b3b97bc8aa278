#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// The life of a channel, one of many conversations on a connection.  Class 20.
namespace leveret::protocol::channel {

/// Opens the channel the frame came on.
struct Open {
  static constexpr MethodId id{20, 10};
  static constexpr std::string_view name = "channel.open";

  ShortString out_of_band{};

  static constexpr auto fields = std::tuple{field("out-of-band", &Open::out_of_band)};
};

/// The channel is ready.
struct OpenOk {
  static constexpr MethodId id{20, 11};
  static constexpr std::string_view name = "channel.open-ok";

  LongString channel_id{};

  static constexpr auto fields = std::tuple{field("channel-id", &OpenOk::channel_id)};
};

/// Stops or resumes the sending of content by the peer.
struct Flow {
  static constexpr MethodId id{20, 20};
  static constexpr std::string_view name = "channel.flow";

  bool active{};

  static constexpr auto fields = std::tuple{field("active", &Flow::active)};
};

/// Confirms channel.flow.
struct FlowOk {
  static constexpr MethodId id{20, 21};
  static constexpr std::string_view name = "channel.flow-ok";

  bool active{};

  static constexpr auto fields = std::tuple{field("active", &FlowOk::active)};
};

/// Ends the channel; names the method that was refused, if one was.
struct Close {
  static constexpr MethodId id{20, 40};
  static constexpr std::string_view name = "channel.close";

  std::uint16_t reply_code{};
  ShortString reply_text{};
  std::uint16_t class_id{};
  std::uint16_t method_id{};

  static constexpr auto fields =
      std::tuple{field("reply-code", &Close::reply_code), field("reply-text", &Close::reply_text),
                 field("class-id", &Close::class_id), field("method-id", &Close::method_id)};
};

/// Confirms channel.close; the number may be opened again.
struct CloseOk {
  static constexpr MethodId id{20, 41};
  static constexpr std::string_view name = "channel.close-ok";

  static constexpr auto fields = std::tuple{};
};

}  // namespace leveret::protocol::channel
