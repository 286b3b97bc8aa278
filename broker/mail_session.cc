#include "broker/mail_session.h"

#include "broker/check.h"
#include "broker/shard.h"

namespace leveret::broker {
namespace {

constexpr std::size_t octets_on_their_way_max = 1024 * 1024;

}  // namespace

bool MailSession::deliver(Delivery& delivery) {
  if (octets_on_their_way_ >= octets_on_their_way_max) return false;
  delivery.message = for_other_shard(std::move(delivery.message));
  octets_on_their_way_ += delivery.message->footprint();
  here_.send(there_, DeliveryMail{.session = session_, .delivery = std::move(delivery)});
  return true;
}

void MailSession::confirm(std::uint64_t) {
  check(false, "only publishers are confirmed");
}

void MailSession::refuse(std::uint64_t) {
  check(false, "only publishers are refused");
}

void MailSession::consumer_cancelled(ConsumerId consumer) {
  here_.send(there_, Task{[session = session_, consumer](Shard& shard) {
               if (Session* found = shard.find_session(session)) found->consumer_cancelled(consumer);
             }});
}

MessageRef for_other_shard(MessageRef message) {
  if (message.is_unique()) return message;
  return message->clone();
}

}  // namespace leveret::broker
