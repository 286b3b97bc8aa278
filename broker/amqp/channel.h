#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/access_control.h"
#include "broker/admission.h"
#include "broker/amqp/channel_traffic.h"
#include "broker/amqp/unacknowledged.h"
#include "broker/confirms.h"
#include "broker/message.h"
#include "broker/session.h"
#include "broker/shard.h"
#include "broker/virtual_host.h"
#include "protocol/frame.h"
#include "protocol/methods.h"
#include "protocol/properties.h"

namespace leveret::broker::amqp {

class Connection;

/// One of a connection's channels: what a client publishes, consumes and settles there.  Belongs to its connection.
///
/// Handlers refuse first, having changed nothing, then do the deed, then answer.  What a queue of another shard has to
/// say first is asked by mail; the connection's input waits until it has answered, so the client sees one order.
class Channel final : public Session {
 public:
  /// `place` is its own among the channels that are let in.
  Channel(Connection& connection, protocol::ChannelNumber number, Admission::Place place);

  protocol::ChannelNumber number() const { return number_; }
  SessionId id() const { return id_; }
  ChannelReport report() const;
  ChannelCounters counters() const;

  /// Any frame on this channel, in the order of arrival.
  Result<void> handle(const protocol::Frame& frame);

  /// Gives back what it holds: unacknowledged messages to their queues, its consumers.  It takes part in nothing after.
  void release();
  /// `release`, and channel.close to the client; until it answers, all but its own close is ignored.
  void close_with(const protocol::AmqpError& error);
  /// The client has closed it, or has answered our close: it can go.
  bool is_closed() const { return state_ == State::closed; }

  /// Tells publishers what has become safe in this turn.
  void end_turn();
  /// About four times a second.  Errors: precondition_failed when the client has kept a delivery for too long.
  Result<void> tick();
  /// The client has read: consumers that were refused get another chance.
  void output_drained();

  bool deliver(Delivery& delivery) override;
  void confirm(std::uint64_t sequence) override;
  void refuse(std::uint64_t sequence) override;
  void consumer_cancelled(ConsumerId consumer) override;

 private:
  enum class State { open, closing, closed };
  enum class Expecting { method, header, body };

  struct ChannelConsumer {
    std::string tag{};
    QueueAddress queue{};
    DeliveryCounters* counters = nullptr;  // of that queue
    bool no_ack = false;
    bool is_limited = false;              // by a prefetch of the whole channel
    std::chrono::milliseconds timeout{};  // for an acknowledgement
    std::string queue_name{};
    bool is_exclusive = false;
    std::uint16_t prefetch = 0;
    std::string arguments{};           // an encoded field table
    std::size_t octets_to_report = 0;  // to the MailSession that stands for this channel at a queue of another shard
  };

  struct Publication {
    std::string exchange{};
    std::string routing_key{};
    bool is_mandatory = false;
    bool is_too_large = false;
    bool is_plain = false;  // none of its properties changes it or has to be checked
    std::uint64_t body_size = 0;
  };

  /// A message kept until tx.commit, with its queues: an exchange routes at the publish.  The default exchange looks
  /// for the queue at the commit, as in RabbitMQ.
  struct PendingPublish {
    MessageRef message{};
    std::vector<QueueAddress> queues{};
    std::shared_ptr<ExchangeTraffic> traffic{};
    bool is_mandatory = false;
    bool is_answered = false;  // went straight to who waits for it
    bool is_rest = false;      // of a publish that is counted already
  };

  struct PendingSettlement {
    Unacknowledged::Deliveries deliveries{};
    Settlement settlement{};
  };

  /// What tx.select has begun.
  struct Transaction {
    std::vector<PendingPublish> publishes;
    std::vector<PendingSettlement> settlements;
  };

  struct MethodVisitor;

  // --- channel.cc: frames, closing, deliveries

  Result<void> handle_method(protocol::Octets payload);
  Result<void> handle_header(const protocol::Frame& frame);
  Result<void> handle_body(const protocol::Frame& frame);
  Result<void> finish_content();
  Result<void> handle(const protocol::channel::Open&);
  Result<void> handle(const protocol::channel::Close&);
  Result<void> handle(const protocol::channel::CloseOk&);
  Result<void> handle(const protocol::channel::Flow& flow);
  template <class M>
  Result<void> handle(const M&);  // what no channel takes

  template <class M>
  void send(const M& method);
  template <class M>
  void send_with_content(const M& method, const MessageRef& message);
  template <class M>
  Result<void> answer(bool nowait, const M& method);

  // --- channel_topology.cc: exchanges, queues, bindings

  Result<void> handle(const protocol::access::Request& request);
  Result<void> handle(const protocol::exchange::Declare& declare);
  Result<void> handle(const protocol::exchange::Delete& request);
  Result<void> handle(const protocol::exchange::Bind& bind);
  Result<void> handle(const protocol::exchange::Unbind& unbind);
  Result<void> handle(const protocol::queue::Declare& declare);
  Result<void> handle(const protocol::queue::Bind& bind);
  Result<void> handle(const protocol::queue::Unbind& unbind);
  Result<void> handle(const protocol::queue::Purge& purge);
  Result<void> handle(const protocol::queue::Delete& request);

  Result<void> declare_reply_queue(const protocol::queue::Declare& declare, std::string_view name);
  bool is_allowed(Access access, std::string_view name) const;
  Result<void> check_queue_access(Access access, std::string_view queue) const;
  Result<void> check_exchange_access(Access access, std::string_view exchange) const;
  Result<void> check_topic_access(Access access, std::string_view exchange, std::string_view routing_key) const;
  Result<void> check_binding_access(const BindingRequest& request) const;
  void deliver_history(const MessageHistory& history, const BindingRequest& request);
  void hold_answer(Lasting lasting);
  Result<void> check_dead_letter_exchange(FieldTable arguments, std::string_view queue) const;
  std::string_view binding_key(std::string_view queue_named, std::string_view routing_key) const;
  /// The queue a method names; an empty name stands for the one declared last on this channel.
  Result<std::string> queue_name(std::string_view name) const;

  // --- channel_basic.cc: publishing, consuming, settling

  Result<void> handle(const protocol::basic::Publish& publish);
  Result<void> handle(const protocol::basic::Qos& qos);
  Result<void> handle(const protocol::basic::Consume& consume);
  Result<void> handle(const protocol::basic::Cancel& cancel);
  Result<void> handle(const protocol::basic::Get& get);
  Result<void> handle(const protocol::basic::Ack& ack);
  Result<void> handle(const protocol::basic::Nack& nack);
  Result<void> handle(const protocol::basic::Reject& reject);
  Result<void> handle(const protocol::basic::Recover& recover);
  Result<void> handle(const protocol::basic::RecoverAsync& recover);
  Result<void> handle(const protocol::confirm::Select& select);
  Result<void> handle(const protocol::tx::Select& select);
  Result<void> handle(const protocol::tx::Commit& commit);
  Result<void> handle(const protocol::tx::Rollback& rollback);

  Result<void> publish(MessageRef message);
  Result<void> publish_with_properties(MessageRef message);
  Result<void> publish(MessageRef message, const Route& route, bool is_answered);
  Result<void> publish_in_two_forms(MessageRef visible, MessageRef whole, const Route& route);
  ConfirmTicket expect_confirms(std::size_t queues);
  const Route* known_route(const Message& message);
  void publish(MessageRef message, const std::vector<QueueAddress>& queues, const ConfirmTicket& ticket);
  Result<void> check_user_id(std::string_view user_id) const;
  Result<void> check_publish_access(std::string_view exchange, std::string_view routing_key);
  void return_message(const MessageRef& message);
  /// Counts a message that nothing takes, and sends it back where that was asked for.
  void give_up(const MessageRef& message, bool is_mandatory);
  /// Sends answers to direct reply-to requests; true when there were any for somebody who is still there.
  bool publish_replies(const MessageRef& message, const std::vector<std::string_view>& routing_keys);
  enum class HiddenCopies : bool { left_out, kept };
  Result<MessageRef> as_delivered(MessageRef message, const protocol::BasicProperties& properties,
                                  HiddenCopies hidden_copies) const;

  Result<void> check_consumer(const protocol::basic::Consume& consume, const QueueRecord& queue) const;
  void join_queue_by_mail(QueueAddress queue, const ConsumerRequest& request, const std::string& queue_name,
                          bool nowait);
  std::chrono::milliseconds consumer_timeout(FieldTable arguments, const QueueRecord& queue) const;
  void forget_consumer(ConsumerId consumer);
  void forget_reply_consumer();
  Result<void> consume_replies(const protocol::basic::Consume& consume, std::string tag);
  Result<void> settle(DeliveryTag tag, bool multiple, Settlement settlement);
  void settle(const Unacknowledged::Deliveries& deliveries, Settlement settlement);
  void requeue_all(Settlement settlement);
  void finish_commit();
  static std::size_t received_in(const Transaction& transaction);
  void roll_back();

  ChannelTraffic& traffic();
  bool has_global_credit() const;
  void accept(Delivery& delivery, ChannelConsumer& consumer);
  void accept_held();
  void requeue_held(std::function<bool(const Delivery&)> is_meant);
  void unblock_consumers();
  void report_written(ConsumerId id, ChannelConsumer& consumer, std::size_t octets);
  void send_reports();

  /// Has a queue do something, here or on its shard; in order with all else this channel does to it.
  template <class Function>
  void tell_queue(QueueAddress queue, Function function);

  template <class Reply>
  using Question = std::function<void(AnyQueue&, std::function<void(std::optional<Reply>)>)>;
  template <class Reply>
  using Then = std::function<Result<void>(std::optional<Reply>)>;
  /// Puts a question to a queue, here or on its shard, and goes on with `then` when it has answered; nothing stands for
  /// a queue that has gone.  What `question` captures must be values.  An error of `then` is one of `method`.
  template <class Reply>
  void ask(QueueAddress queue, protocol::MethodId method, Question<Reply> question, Then<Reply> then);

  Connection& connection_;
  const protocol::ChannelNumber number_;
  const Admission::Place place_;
  const SessionId id_;
  Shard& shard_;
  VirtualHost& virtual_host_;
  const std::shared_ptr<RouteCache> routes_;

  State state_ = State::open;
  bool is_released_ = false;

  Expecting expecting_ = Expecting::method;
  std::uint64_t body_left_ = 0;
  Publication publication_{};
  MessageBuilder builder_{};
  std::string permitted_exchange_{};  // the last that publishing was allowed to, while the version stands
  std::uint64_t permitted_version_ = 0;
  bool are_topics_checked_ = false;    // in that exchange
  const Route* last_route_ = nullptr;  // of publication_'s exchange and routing key, while it stands
  std::uint64_t last_route_generation_ = 0;

  std::string last_queue_name_{};
  std::uint16_t consumer_prefetch_ = 0;  // for consumers to come
  std::uint16_t global_prefetch_ = 0;    // for all consumers of the channel together
  std::unordered_map<std::string, ConsumerId> consumer_ids_{};
  std::unordered_map<ConsumerId, ChannelConsumer> consumers_{};
  ConsumerId reply_consumer_ = ConsumerId::none;
  std::vector<ConsumerId> refused_consumers_{};
  QueueId last_served_queue_{};   // from which a consumer got the last delivery
  PooledDeque<Delivery> held_{};  // came from other shards, and wait for credit of the global prefetch
  std::vector<ConsumerId> reporting_consumers_{};
  std::uint64_t next_delivery_tag_ = 1;
  Unacknowledged unacknowledged_{};

  std::optional<Confirms> confirms_{};
  std::optional<Transaction> transaction_{};
  std::unique_ptr<ChannelTraffic> traffic_{};  // once there is any
  std::vector<PendingSettlement> committed_settlements_{};
  std::size_t commit_waits_for_ = 0;
  bool is_commit_partial_ = false;  // a queue has refused one of its messages
};

}  // namespace leveret::broker::amqp
