#include "broker/mailbox.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace leveret::broker {
namespace {

Mail mail(std::uint64_t sequence, std::uint64_t sender = 1) {
  return ConfirmMail{{.session = SessionId{sender}, .sequence = sequence}};
}

const ConfirmTicket& ticket_in(const Mail& mail) {
  return std::get<ConfirmMail>(mail).ticket;
}

TEST(Mailbox, GivesMailInTheOrderOfItsArrival) {
  Mailbox mailbox;
  std::vector<Mail> batch;
  batch.push_back(mail(1));
  batch.push_back(mail(2));
  mailbox.put(batch);
  EXPECT_TRUE(batch.empty());
  mailbox.put(mail(3));
  batch.push_back(mail(4));
  mailbox.put(batch);
  std::vector<Mail> taken;
  mailbox.take(taken);
  ASSERT_EQ(taken.size(), 4u);
  for (std::size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(ticket_in(taken[i]).sequence, i + 1);
}

TEST(Mailbox, SaysWhenItsOwnerMustBeWoken) {
  Mailbox mailbox;
  std::vector<Mail> batch;
  batch.push_back(mail(1));
  EXPECT_TRUE(mailbox.put(batch));
  batch.push_back(mail(2));
  EXPECT_FALSE(mailbox.put(batch));
  EXPECT_FALSE(mailbox.put(mail(3)));
  std::vector<Mail> taken;
  mailbox.take(taken);
  EXPECT_TRUE(mailbox.put(mail(4)));
}

TEST(Mailbox, LosesNothingBetweenThreads) {
  constexpr std::uint64_t senders = 3, each = 2000;
  Mailbox mailbox;
  std::vector<std::thread> threads;
  for (std::uint64_t sender = 1; sender <= senders; ++sender)
    threads.emplace_back([&mailbox, sender] {
      std::vector<Mail> batch;
      for (std::uint64_t sequence = 1; sequence <= each; ++sequence) {
        batch.push_back(mail(sequence, sender));
        if (sequence % 7 == 0 || sequence == each) mailbox.put(batch);
      }
    });
  std::vector<std::uint64_t> last(senders + 1);
  std::vector<Mail> taken;
  for (std::uint64_t count = 0; count < senders * each; count += taken.size()) {
    taken.clear();
    mailbox.take(taken);
    for (const Mail& each_mail : taken) {
      const auto& ticket = ticket_in(each_mail);
      EXPECT_EQ(ticket.sequence, ++last[static_cast<std::size_t>(ticket.session)]) << "in the order of its sender";
    }
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace leveret::broker
