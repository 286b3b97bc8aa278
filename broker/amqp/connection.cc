#include "broker/amqp/connection.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/algorithm/string/join.hpp>

#include "broker/amqp/server_properties.h"
#include "broker/log.h"

namespace leveret::broker::amqp {

namespace connection = protocol::connection;
using protocol::ChannelNumber;
using protocol::Frame;
using protocol::FrameType;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr ChannelNumber channel_zero{0};

/// What a client may say about the connection as a whole.
bool belongs_on_channel_zero(protocol::MethodId id) {
  constexpr std::array methods{connection::StartOk::id,     connection::SecureOk::id, connection::TuneOk::id,
                               connection::Open::id,        connection::Close::id,    connection::CloseOk::id,
                               connection::UpdateSecret::id};
  return std::find(methods.begin(), methods.end(), id) != methods.end();
}

/// Deliveries to a connection stop while this much waits to be read by its client, and input from it as well.
constexpr std::size_t output_full_octets = 1024 * 1024;
constexpr std::size_t output_drained_octets = 256 * 1024;

/// A connection with shorter intervals is told the time as often as can be.
constexpr seconds heartbeat_to_rest{8};

constexpr milliseconds close_timeout{10'000};  // for connection.close-ok, and for a client to hang up
constexpr milliseconds refusal_pause{3'000};   // before a silent close, so that guessing passwords takes time

}  // namespace

/// Leads the methods of class connection to their handlers; others have no business on channel 0.
struct Connection::Methods {
  Connection& connection;
  template <class M>
  Result<void> operator()(const M& method) {
    return connection.handle(method);
  }
};

Connection::Connection(Broker& broker, Shard& shard, Transport& transport, Peer peer)
    : broker_(broker),
      shard_(shard),
      transport_(transport),
      peer_(std::move(peer)),
      id_(broker.next_connection_id()),
      deadline_(shard.now() + broker.options().handshake_timeout),
      last_received_(shard.now()),
      last_sent_(shard.now()),
      frame_max_(broker.options().frame_max) {
  broker_.connection_opened(shard_.index());
  shard_.join(*this);
}

Connection::~Connection() {
  if (shard_.is_ending()) return;  // all of it goes at once, as when the process is killed
  drop_channels();
  shard_.leave(*this);
  broker_.connection_closed(shard_.index());
}

void Connection::open_directly(LocalUser user, std::shared_ptr<VirtualHost> virtual_host) {
  user_ = std::move(user.name);
  has_all_rights_ = user.has_all_rights;
  virtual_host_ = std::move(virtual_host);
  is_direct_ = true;
  channel_max_ = UINT16_MAX;
  frame_max_ = 0;
  state_ = State::running;
  count_opening();
}

std::optional<ConnectionReport> Connection::report() const {
  if (state_ != State::running || is_direct_) return {};
  const bool is_alarmed = !shard_.resource_alarms().is_empty();
  ConnectionReport report{.id = id_,
                          .blocking = is_blocked_  ? Blocking::blocked
                                      : is_alarmed ? Blocking::blocking
                                                   : Blocking::no,
                          .peer_host = peer_.host,
                          .peer_port = peer_.port,
                          .host = peer_.local_host,
                          .port = peer_.local_port,
                          .user = user_,
                          .virtual_host = virtual_host_->name(),
                          .mechanism = std::string{name_of(mechanism_)},
                          .client_properties = client_properties_,
                          .frame_max = frame_max_,
                          .channel_max = channel_max_,
                          .heartbeat = heartbeat_,
                          .connected_at = opened_at_,
                          .transfers = transfers_,
                          .octets_to_send = output_.size(),
                          .tls = tls_ ? std::optional{*tls_} : std::nullopt};
  for (const auto& [number, channel] : channels_) report.channels.push_back(channel->report());
  return report;
}

void Connection::add_traffic(TrafficReport& report) const {
  if (!is_counted_) return;
  auto& all = report.virtual_hosts[virtual_host_->name()];
  for (const auto& [number, channel] : channels_) {
    all.channels += channel->counters();
    if (!is_direct_) report.channels.push_back({channel->id(), channel->counters()});
  }
  if (is_direct_) return;
  add(all.transfers, transfers_);
  report.connections.push_back({id_, transfers_});
}

void Connection::count_opening() {
  is_counted_ = true;
  ++shard_.churn().connections_created;
}

void Connection::count_closing() {
  if (!std::exchange(is_counted_, false)) return;
  ++shard_.churn().connections_closed;
  add(shard_.past_traffic(*virtual_host_)->transfers, transfers_);
}

// --- input

bool Connection::is_output_full() const {
  return output_.size() >= output_full_octets;
}

bool Connection::wants_input() const {
  return !is_paused() && !is_output_full() && !is_held_back();
}

void Connection::receive(protocol::Octets& unread) {
  shard_.begin_turn();
  has_received_ = true;
  shard_.wake(*this);
  has_stopped_early_ = false;
  is_receiving_ = true;
  if (state_ != State::awaiting_header || receive_protocol_header(unread)) handle_frames(unread);
  is_receiving_ = false;
  wait_for_backlogs();
}

void Connection::handle_frames(protocol::Octets& unread) {
  while (state_ != State::finished) {
    if (is_paused() || is_output_full() || (is_blocked_ && state_ == State::running)) {
      has_stopped_early_ = true;
      return;
    }
    if (state_ == State::silent) {
      unread = {};
      return;
    }
    if (const auto frame = protocol::take_common_frame(unread, frame_max_)) {
      handle(*frame);
      continue;
    }
    const auto frame = protocol::take_frame(unread, frame_max_);
    if (!frame) {
      unread = {};
      return close_with(frame.error());
    }
    if (!*frame) return;
    handle(**frame);
  }
}

bool Connection::is_held_back() const {
  return state_ == State::running && (is_blocked_ || backlogs_waited_for_ > 0);
}

void Connection::note_fed(ShardIndex shard) {
  if (std::find(fed_shards_.begin(), fed_shards_.end(), shard) == fed_shards_.end()) fed_shards_.push_back(shard);
}

/// Once for all that was handed over together: each message by itself would be too dear.
void Connection::wait_for_backlogs() {
  for (const ShardIndex shard : fed_shards_) {
    if (!shard_.is_backlog_full(shard)) continue;
    const bool is_waiting = shard_.wait_until_drained(shard, [this, alive = std::weak_ptr<int>{alive_}] {
      if (alive.expired()) return;
      if (--backlogs_waited_for_ == 0) transport_.resume();
    });
    if (is_waiting) ++backlogs_waited_for_;
  }
  fed_shards_.clear();
}

void Connection::block() {
  is_blocked_ = true;
  if (!has_capability("connection.blocked")) return;
  const std::string reason = blocked_reason(shard_.resource_alarms());
  send(channel_zero, connection::Blocked{.reason = reason});
}

void Connection::alarms_changed() {
  if (!is_blocked_ || !shard_.resource_alarms().is_empty()) return;
  is_blocked_ = false;
  if (state_ == State::running && has_capability("connection.blocked")) send(channel_zero, connection::Unblocked{});
  transport_.resume();
}

/// True when the handshake goes on.
bool Connection::receive_protocol_header(protocol::Octets& unread) {
  if (unread.size() < protocol::protocol_header.size()) return false;
  const auto version = protocol::parse_protocol_header(unread.first(protocol::protocol_header.size()));
  unread = unread.subspan(protocol::protocol_header.size());
  if (!version) {
    unread = {};
    output_.append(protocol::protocol_header);
    write_later();
    finish();
    return false;
  }
  const std::string properties = server_properties(broker_.cluster_name(), *version == protocol::version_0_9);
  const std::string mechanisms = boost::algorithm::join(broker_.options().auth_mechanisms, " ");
  state_ = State::awaiting_start_ok;
  send(channel_zero, connection::Start{.version_major = version->major,
                                       .version_minor = version->minor,
                                       .server_properties = FieldTable{protocol::as_octets(properties)},
                                       .mechanisms = mechanisms,
                                       .locales = "en_US"});
  return true;
}

void Connection::handle(const Frame& frame) {
  if (state_ == State::running && frame.type != FrameType::heartbeat)
    if (Channel* channel = find_channel(frame.channel)) return handle_on(*channel, frame);
  const bool is_for_channel = frame.channel != channel_zero;
  auto result = is_for_channel ? handle_without_channel(frame) : handle_on_channel_zero(frame);
  if (!result) fail(frame.channel, result.error());
}

void Connection::handle_on(Channel& channel, const Frame& frame) {
  const auto handled = channel.handle(frame);
  if (channel.is_closed()) close_channel(frame.channel);
  if (!handled) fail(frame.channel, handled.error());
}

Result<void> Connection::handle_on_channel_zero(const Frame& frame) {
  if (frame.type == FrameType::heartbeat) return {};
  const bool is_ending = state_ == State::closing || state_ == State::closed;
  if (frame.type != FrameType::method) return is_ending ? Result<void>{} : protocol::unexpected_frame(frame);
  const auto id = protocol::method_id_of(frame.payload);
  if (!id) return protocol::unknown_frame(frame);
  if (is_ending && *id != connection::Close::id && *id != connection::CloseOk::id) return {};
  if (!belongs_on_channel_zero(*id)) return refuse_method(*id);
  return protocol::dispatch(frame.payload, Methods{*this});
}

/// On a channel that is not open, or not in this state.
Result<void> Connection::handle_without_channel(const Frame& frame) {
  if (state_ == State::closing || state_ == State::closed) return {};
  if (state_ != State::running || frame.type == FrameType::heartbeat) return protocol::unexpected_frame(frame);
  if (frame.type != FrameType::method)
    return protocol::unexpected_frame("expected method frame, got non method frame instead");
  const auto id = protocol::method_id_of(frame.payload);
  if (!id) return protocol::unknown_frame(frame);
  if (*id == protocol::channel::Open::id) return open_channel(frame.channel);
  auto error = *id >= protocol::MethodId{20, 0} ? protocol::channel_error("expected 'channel.open'")
                                                : protocol::command_invalid("unimplemented method");
  error.method = *id;
  return error;
}

// --- channels

Channel* Connection::look_up_channel(ChannelNumber number) {
  const auto found = channels_.find(number);
  if (found == channels_.end()) return nullptr;
  last_channel_number_ = number;
  return last_channel_ = found->second.get();
}

Result<void> Connection::open_channel(ChannelNumber number) {
  if (channels_.size() >= channel_max_)
    return protocol::not_allowed(fmt::format(
        "number of channels opened ({}) has reached the negotiated channel_max ({})", channels_.size(), channel_max_));
  auto place = broker_.admission().open_channel(user_);
  if (!place) return place.error();
  channels_.emplace(number, std::make_unique<Channel>(*this, number, *std::move(place)));
  ++shard_.churn().channels_created;
  send(number, protocol::channel::OpenOk{});
  return {};
}

void Connection::close_channel(ChannelNumber number) {
  const auto found = channels_.find(number);
  if (last_channel_ == found->second.get()) last_channel_ = nullptr;
  std::replace(ending_channels_.begin(), ending_channels_.end(), found->second.get(), static_cast<Channel*>(nullptr));
  found->second->release();
  channels_.erase(found);
}

void Connection::drop_channels() {
  for (auto& [number, channel] : channels_) channel->release();
  last_channel_ = nullptr;
  ending_channels_.clear();
  channels_.clear();
  place_.reset();
  count_closing();
  for (const QueueAddress& address : std::exchange(exclusive_queues_, {}))
    if (AnyQueue* queue = shard_.find_queue(address.queue)) shard_.delete_queue(*queue);
}

// --- the handshake

Result<void> Connection::refuse_method(protocol::MethodId id) const {
  if (state_ == State::closing) return {};
  const std::string_view state = state_ == State::awaiting_open ? "opening"
                                 : state_ == State::running     ? "running"
                                                                : "starting";
  protocol::AmqpError error = protocol::channel_error(fmt::format("unexpected method in connection state {}", state));
  error.method = id;
  return error;
}

Result<void> Connection::handle(const connection::StartOk& start_ok) {
  if (state_ != State::awaiting_start_ok) return refuse_method(connection::StartOk::id);
  client_properties_ = protocol::as_text(start_ok.client_properties.octets());
  const auto mechanism = sasl_mechanism(start_ok.mechanism);
  const auto& offered = broker_.options().auth_mechanisms;
  if (!mechanism || std::find(offered.begin(), offered.end(), start_ok.mechanism) == offered.end()) {
    log::warn("connection refused: peer={} reason=\"unknown mechanism\"", peer_.address);
    close_silently(refusal_pause);
    return {};
  }
  mechanism_ = *mechanism;
  return authenticate(start_ok.response);
}

Result<void> Connection::handle(const connection::SecureOk&) {
  return refuse_method(connection::SecureOk::id);
}

Result<void> Connection::authenticate(std::string_view response) {
  std::optional<Credentials> credentials;
  if (mechanism_ == SaslMechanism::plain) credentials = parse_plain(response);
  if (mechanism_ == SaslMechanism::amqplain) credentials = parse_amqplain(response);
  if (mechanism_ == SaslMechanism::anonymous)
    credentials = {.user = broker_.options().anonymous_user, .password = broker_.options().anonymous_password};
  if (!credentials) {
    log::warn("connection refused: peer={} reason=\"malformed response of mechanism {}\"", peer_.address,
              name_of(mechanism_));
    close_silently(refusal_pause);
    return {};
  }
  user_ = credentials->user;
  if (!broker_.access_control().password_matches(user_, credentials->password)) return refuse_login();
  if (!peer_.is_loopback && broker_.is_loopback_user(user_)) return refuse_login();
  shard_.logins().count(true);
  state_ = State::awaiting_tune_ok;
  const auto& options = broker_.options();
  send(channel_zero, connection::Tune{.channel_max = options.channel_max,
                                      .frame_max = options.frame_max,
                                      .heartbeat = static_cast<std::uint16_t>(options.heartbeat.count())});
  return {};
}

Result<void> Connection::refuse_login() {
  shard_.logins().count(false);
  log::warn("connection refused: peer={} user={} reason=\"login refused\"", peer_.address, user_);
  if (!has_capability("authentication_failure_close")) {
    close_silently(refusal_pause);
    return {};
  }
  auto error = protocol::access_refused(fmt::format(
      "Login was refused using authentication mechanism {}. For details see the broker logfile.", name_of(mechanism_)));
  close_with(error);
  return {};
}

Result<void> Connection::handle(const connection::TuneOk& tune_ok) {
  if (state_ != State::awaiting_tune_ok) return refuse_method(connection::TuneOk::id);
  const auto& options = broker_.options();
  const auto exceeds = [](std::uint32_t asked, std::uint32_t offered) {
    return offered != 0 && (asked == 0 || asked > offered);
  };
  const bool is_frame_too_small = tune_ok.frame_max != 0 && tune_ok.frame_max < protocol::frame_size_min;
  if (exceeds(tune_ok.channel_max, options.channel_max) || exceeds(tune_ok.frame_max, options.frame_max) ||
      is_frame_too_small) {
    log::warn(
        "connection refused: peer={} user={} reason=\"negotiated limits out of bounds\" channel_max={} frame_max={}",
        peer_.address, user_, tune_ok.channel_max, tune_ok.frame_max);
    close_silently(refusal_pause);
    return {};
  }
  channel_max_ = tune_ok.channel_max == 0 ? UINT16_MAX : tune_ok.channel_max;
  frame_max_ = tune_ok.frame_max;
  heartbeat_ = seconds{tune_ok.heartbeat};
  state_ = State::awaiting_open;
  return {};
}

Result<void> Connection::handle(const connection::Open& open) {
  if (state_ != State::awaiting_open) return refuse_method(connection::Open::id);
  virtual_host_ = broker_.find_virtual_host(open.virtual_host);
  if (!virtual_host_) return protocol::not_allowed(fmt::format("vhost {} not found", open.virtual_host));
  auto place = broker_.admission().open_connection(user_, open.virtual_host);
  if (!place) return place.error();
  if (!broker_.access_control().may_enter(user_, open.virtual_host))
    return protocol::not_allowed(fmt::format("access to vhost '{}' refused for user '{}'", open.virtual_host, user_));
  place_.emplace(*std::move(place));
  state_ = State::running;
  opened_at_ = std::chrono::system_clock::now();
  count_opening();
  log::info("connection opened: peer={} user={} virtual_host={}", peer_.address, user_, open.virtual_host);
  send(channel_zero, connection::OpenOk{});
  return {};
}

Result<void> Connection::handle(const connection::UpdateSecret& update_secret) {
  if (state_ != State::running) return refuse_method(connection::UpdateSecret::id);
  // A password does not expire, so a new one has nothing to prolong; RabbitMQ answers just so.
  static_cast<void>(update_secret);
  send(channel_zero, connection::UpdateSecretOk{});
  return {};
}

bool Connection::has_capability(std::string_view name) const {
  const auto capabilities = FieldTable{protocol::as_octets(client_properties_)}.find("capabilities");
  const auto table = capabilities ? capabilities->as_table() : std::nullopt;
  const auto value = table ? table->find(name) : std::nullopt;
  return value && value->as_bool().value_or(false);
}

// --- the end

Result<void> Connection::handle(const connection::Close&) {
  if (state_ == State::closing) {
    send(channel_zero, connection::CloseOk{});
    return {};
  }
  if (state_ != State::running && state_ != State::closed) return refuse_method(connection::Close::id);
  drop_channels();
  shard_.send_mail();
  send(channel_zero, connection::CloseOk{});
  if (state_ == State::running) log::info("connection closed: peer={} user={}", peer_.address, user_);
  state_ = State::closed;
  deadline_ = shard_.now() + close_timeout;
  return {};
}

Result<void> Connection::handle(const connection::CloseOk&) {
  if (state_ != State::closing) return refuse_method(connection::CloseOk::id);
  finish();
  return {};
}

void Connection::fail(ChannelNumber number, const protocol::AmqpError& error) {
  if (state_ == State::closing || state_ == State::closed || state_ == State::finished) return;
  Channel* channel = find_channel(number);
  if (error.scope() == protocol::Scope::connection || !channel) return close_with(error);
  log::warn("channel closed: peer={} user={} channel={} reason=\"{}\"", peer_.address, user_,
            static_cast<unsigned>(number), error.reply_text());
  channel->close_with(error);
}

void Connection::close_with(const protocol::AmqpError& error) {
  if (state_ == State::closing || state_ == State::closed || state_ == State::finished) return;
  // Who has not yet said who it is, or has not agreed on limits, gets no word but the refusal of its login.
  const bool is_in_handshake = state_ < State::awaiting_open;
  log::warn("connection error: peer={} user={} reason=\"{}\"", peer_.address, user_, error.reply_text());
  if (is_in_handshake && error.code != protocol::ReplyCode::access_refused) return close_silently(refusal_pause);
  drop_channels();
  const std::string text = error.reply_text();
  send(channel_zero, connection::Close{.reply_code = static_cast<std::uint16_t>(error.code),
                                       .reply_text = text,
                                       .class_id = error.method.class_id,
                                       .method_id = error.method.method_id});
  state_ = State::closing;
  deadline_ = shard_.now() + close_timeout;
  transport_.resume();  // its answer is wanted even when it was held back
}

void Connection::close_silently(milliseconds pause) {
  state_ = State::silent;
  deadline_ = shard_.now() + pause;
}

void Connection::force_close(std::string_view reason) {
  if (is_paused()) {
    forced_close_reason_ = reason;
    return;
  }
  shard_.begin_turn();
  if (state_ < State::awaiting_open) return finish();
  close_with({.code = protocol::ReplyCode::connection_forced, .text = std::string{reason}});
}

void Connection::secure_failed(std::string_view reason) {
  log::warn("connection refused: peer={} reason=\"TLS handshake failed: {}\"", peer_.address, reason);
  disconnected();
}

void Connection::disconnected() {
  shard_.begin_turn();
  if (state_ == State::running && !is_direct_) log::info("connection lost: peer={} user={}", peer_.address, user_);
  drop_channels();
  output_.clear();
  state_ = State::finished;
}

void Connection::finish() {
  drop_channels();
  state_ = State::finished;
  write_later();
}

// --- pauses and turns

void Connection::resume() {
  if (--pauses_ > 0) return;
  if (!forced_close_reason_.empty()) force_close(std::exchange(forced_close_reason_, {}));
  if (!is_receiving_) transport_.resume();
}

void Connection::hold_output_until_stored() {
  DefinitionChanges& changes = broker_.definition_changes();
  if (changes.are_written()) return;
  ++output_holds_;
  shard_.begin_turn();
  shard_.log().when_written([this, &changes, count = changes.handed_over(), alive = std::weak_ptr<int>{alive_}] {
    changes.written(count);
    if (alive.expired()) return;
    --output_holds_;
    write_later();
  });
}

void Connection::end_turn_for(Channel& channel) {
  if (std::find(ending_channels_.begin(), ending_channels_.end(), &channel) == ending_channels_.end())
    ending_channels_.push_back(&channel);
  write_later();
}

void Connection::end_turn() {
  for (std::size_t i = 0; i < ending_channels_.size(); ++i)
    if (Channel* channel = ending_channels_[i]) channel->end_turn();
  ending_channels_.clear();
  if (is_output_full()) was_output_full_ = true;
  if (output_holds_ == 0 && !output_.empty()) {
    last_sent_ = shard_.now();
    transport_.write();
  }
  if (state_ == State::finished) transport_.close();
}

void Connection::output_written() {
  if (!was_output_full_ || output_.size() > output_drained_octets) return;
  was_output_full_ = false;
  for (auto& [number, channel] : channels_) channel->output_drained();
  transport_.resume();
}

void Connection::tick_channels() {
  for (const auto& [number, channel] : channels_)
    if (auto in_time = channel->tick(); !in_time) fail(number, in_time.error());
}

void Connection::tick(TimePoint now) {
  // Who is not listened to cannot be heard: its heartbeats wait in the socket.
  if (std::exchange(has_received_, false) || !wants_input()) last_received_ = now;
  if (!is_paused() && wants_input()) transport_.resume();
  const bool has_deadline = state_ != State::running;
  if (has_deadline && now >= deadline_ && state_ != State::finished) {
    if (state_ < State::awaiting_open)
      log::warn("connection refused: peer={} reason=\"handshake timed out\"", peer_.address);
    if (!is_paused()) finish();
    return;
  }
  if (state_ == State::running) tick_channels();
  if (state_ == State::running && heartbeat_ != seconds{0}) beat(now);
  if (may_rest()) shard_.rest(*this);
}

/// AMQP 0-9-1, section 4.2.7.
void Connection::beat(TimePoint now) {
  if (now - last_sent_ >= milliseconds{heartbeat_} / 2) {
    protocol::append_heartbeat(output_);
    write_later();
  }
  // Two intervals without a sign of life.
  if (now - last_received_ >= 2 * heartbeat_ && wants_input()) {
    log::warn("connection lost: peer={} user={} reason=\"missed heartbeats\" heartbeat_s={}", peer_.address, user_,
              heartbeat_.count());
    finish();
  }
}

/// What it does not hear of by itself, it need not know at once.
bool Connection::may_rest() const {
  const bool beats_slowly = heartbeat_ == seconds{0} || heartbeat_ >= heartbeat_to_rest;
  return state_ == State::running && beats_slowly && wants_input();
}

}  // namespace leveret::broker::amqp
