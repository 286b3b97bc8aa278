#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/flat_map.hpp>

#include "broker/amqp/channel.h"
#include "broker/amqp/sasl.h"
#include "broker/broker.h"
#include "broker/tls.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/methods.h"
#include "protocol/output_buffer.h"

namespace leveret::broker::amqp {

/// What carries a connection's octets: a socket, or a test.  Belongs to the connection's shard.
class Transport {
 public:
  virtual ~Transport() = default;
  /// There is output to write; called at the end of a turn.
  virtual void write() = 0;
  /// Input may be handed over again.
  virtual void resume() = 0;
  /// End it, after what is still to be written has been, if the peer takes it.
  virtual void close() = 0;
};

/// Who is at the other end.
struct Peer {
  std::string address{};  // "127.0.0.1:40000", for the log
  bool is_loopback = false;
  std::string host{};
  std::uint16_t port = 0;
  std::string local_host{};  // where it connected to
  std::uint16_t local_port = 0;
};

/// For whom a client inside the process acts.
struct LocalUser {
  std::string name{};
  bool has_all_rights = false;
};

/// A client's conversation: the handshake, the channels in it, heartbeats, the end.  AMQP 0-9-1, section 2.2.4.
///
/// Knows no socket: octets come in by `receive` and leave through `output`.  Belongs to one shard.
class Connection final : public TurnMember {
 public:
  Connection(Broker& broker, Shard& shard, Transport& transport, Peer peer);
  ~Connection() override;

  // --- for the transport

  /// In place of the handshake, for a client inside the process whose user is known: as RabbitMQ's direct connections.
  void open_directly(LocalUser user, std::shared_ptr<VirtualHost> virtual_host);
  /// The transport has begun with a handshake of TLS, which has succeeded or not.
  void secured(TlsReport report) { tls_ = std::make_unique<TlsReport>(std::move(report)); }
  void secure_failed(std::string_view reason);
  /// Handles the whole frames in `unread` and takes them off; stops early when the connection is paused.
  void receive(protocol::Octets& unread);
  /// False while input has to wait: for an answer from another shard, for the peer to read, for a shard it has
  /// published into, or for a resource alarm.
  bool wants_input() const;
  /// True when `receive` has stopped before the end of what it was given.
  bool has_stopped_early() const { return has_stopped_early_; }
  protocol::OutputBuffer& output() { return output_; }
  /// After octets have been written, or their reader does not take more.
  void output_written();
  /// Which the transport counts.
  TransferCounters& transfers() { return transfers_; }
  /// The peer has gone.  What it held goes back to the queues.
  void disconnected();
  /// Nothing may be kept for it any more.
  bool is_finished() const { return state_ == State::finished; }
  /// True while an answer from another shard is still to come: the connection must stay until then.
  bool is_paused() const { return pauses_ > 0; }

  /// Ends the conversation from our side: 320 CONNECTION_FORCED.
  void force_close(std::string_view reason) override;

  std::optional<ConnectionReport> report() const override;
  void add_traffic(TrafficReport& report) const override;
  void end_turn() override;
  void tick(TimePoint now) override;
  void alarms_changed() override;
  bool is_of_user(std::string_view user) const override { return state_ >= State::awaiting_tune_ok && user_ == user; }
  bool is_in(const VirtualHost& virtual_host) const override { return virtual_host_.get() == &virtual_host; }

  // --- for its channels

  Broker& broker() { return broker_; }
  Shard& shard() { return shard_; }
  ConnectionId id() const { return id_; }
  const std::string& user() const { return user_; }
  bool has_all_rights() const { return has_all_rights_; }
  const std::shared_ptr<VirtualHost>& virtual_host() const { return virtual_host_; }
  std::uint32_t frame_max() const { return frame_max_; }
  bool has_capability(std::string_view name) const;

  template <protocol::Method M>
  void send(protocol::ChannelNumber channel, const M& method) {
    protocol::encode(method, channel, output_);
    write_later();
  }
  void write_later() { shard_.at_end_of_turn(*this); }
  bool is_output_full() const;

  /// Input waits between `pause` and `resume`; they nest.
  void pause() { ++pauses_; }
  void resume();
  /// What is in the output, and all that follows, stays there until what has been stored until now is on disk.
  void hold_output_until_stored();
  /// An error that came up after the method had been handled.
  void fail(protocol::ChannelNumber channel, const protocol::AmqpError& error);
  /// It begins to publish a message: the rest of it has to wait while a resource alarm is on.
  void about_to_publish() {
    if (!shard_.resource_alarms().is_empty()) block();
  }
  /// It has published into a queue of that shard, and waits when that has too much to do.
  void published_into(ShardIndex shard) {
    if (fed_shards_.empty() || fed_shards_.back() != shard) note_fed(shard);
  }
  /// Has `channel.end_turn()` called when this turn ends.
  void end_turn_for(Channel& channel);
  void add_exclusive_queue(QueueAddress queue) { exclusive_queues_.push_back(queue); }

 private:
  enum class State {
    awaiting_header,
    awaiting_start_ok,
    awaiting_secure_ok,
    awaiting_tune_ok,
    awaiting_open,
    running,
    closing,  // connection.close sent; only its answer counts
    closed,   // all has been said: waits for the peer to close the socket
    silent,   // refused without a word: closes after a pause
    finished,
  };

  struct Methods;  // connection class and refusals on channel 0, by overload

  bool receive_protocol_header(protocol::Octets& unread);
  void handle_frames(protocol::Octets& unread);
  void handle(const protocol::Frame& frame);
  Result<void> handle_on_channel_zero(const protocol::Frame& frame);
  void handle_on(Channel& channel, const protocol::Frame& frame);
  Result<void> handle_without_channel(const protocol::Frame& frame);
  Result<void> open_channel(protocol::ChannelNumber number);
  void close_channel(protocol::ChannelNumber number);
  Channel* find_channel(protocol::ChannelNumber number) {
    return last_channel_ && number == last_channel_number_ ? last_channel_ : look_up_channel(number);
  }
  Channel* look_up_channel(protocol::ChannelNumber number);

  Result<void> handle(const protocol::connection::StartOk& start_ok);
  Result<void> handle(const protocol::connection::SecureOk& secure_ok);
  Result<void> handle(const protocol::connection::TuneOk& tune_ok);
  Result<void> handle(const protocol::connection::Open& open);
  Result<void> handle(const protocol::connection::Close& close);
  Result<void> handle(const protocol::connection::CloseOk& close_ok);
  Result<void> handle(const protocol::connection::UpdateSecret& update_secret);
  template <class M>
  Result<void> handle(const M&) {
    return refuse_method(M::id);
  }

  Result<void> authenticate(std::string_view response);
  Result<void> refuse_login();
  /// A method that does not belong into the state the connection is in.
  Result<void> refuse_method(protocol::MethodId id) const;
  /// What it would publish has to wait.
  bool is_held_back() const;
  void block();
  void note_fed(ShardIndex shard);
  void wait_for_backlogs();
  void close_with(const protocol::AmqpError& error);
  void close_silently(std::chrono::milliseconds pause);
  void drop_channels();
  void tick_channels();
  void beat(TimePoint now);
  bool may_rest() const;
  void finish();
  void count_opening();
  void count_closing();

  Broker& broker_;
  Shard& shard_;
  Transport& transport_;
  const Peer peer_;
  std::unique_ptr<TlsReport> tls_{};
  const ConnectionId id_;

  State state_ = State::awaiting_header;
  TimePoint deadline_;  // of the state, while it has one
  TimePoint last_received_;
  TimePoint last_sent_;
  bool has_received_ = false;  // since the last tick
  std::chrono::seconds heartbeat_{0};
  std::uint32_t frame_max_ = protocol::frame_size_min;
  std::uint16_t channel_max_ = 0;

  SaslMechanism mechanism_ = SaslMechanism::plain;
  bool is_direct_ = false;  // opened by open_directly
  bool has_all_rights_ = false;
  std::chrono::system_clock::time_point opened_at_{};
  std::string user_{};
  std::string client_properties_{};  // an encoded field table
  std::shared_ptr<VirtualHost> virtual_host_{};
  std::optional<Admission::Place> place_{};

  boost::container::flat_map<protocol::ChannelNumber, std::unique_ptr<Channel>> channels_{};  // few, mostly
  protocol::ChannelNumber last_channel_number_{};
  Channel* last_channel_ = nullptr;
  std::vector<Channel*> ending_channels_{};
  std::vector<QueueAddress> exclusive_queues_{};

  bool is_counted_ = false;  // among those that have been opened and not closed
  TransferCounters transfers_{};

  protocol::OutputBuffer output_{};
  bool was_output_full_ = false;
  int output_holds_ = 0;
  int pauses_ = 0;
  bool is_receiving_ = false;
  bool has_stopped_early_ = false;
  bool is_blocked_ = false;               // by an alarm; the client knows
  std::vector<ShardIndex> fed_shards_{};  // those it has published into since input was last handed over
  std::size_t backlogs_waited_for_ = 0;
  std::string forced_close_reason_{};
  const std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what may come due after the end
};

}  // namespace leveret::broker::amqp
