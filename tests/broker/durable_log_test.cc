#include "broker/durable_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "broker/lane.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Keeps what it is handed until the test says that it has been written.
class SlowStore final : public storage::Store {
 public:
  struct Commit {
    std::unique_ptr<storage::Batch> batch{};
    storage::CommitHandler done{};
  };

  void put_definition(std::string, std::string) override {}
  void erase_definition(std::string) override {}
  void drop_queue(QueueId) override {}
  void commit(std::unique_ptr<storage::Batch> batch, storage::CommitHandler done) override {
    commits.push_back({std::move(batch), std::move(done)});
  }
  void recover_definitions(const storage::DefinitionVisitor&) override {}
  std::vector<QueueId> stored_queues() override { return {}; }
  void read(QueueId, Position, storage::ReadLimits, storage::ReadHandler done) override { done({.is_end = true}); }
  void read_delayed(QueueId, storage::DelayedPlace, storage::ReadLimits, storage::ReadHandler done) override {
    done({.is_end = true});
  }
  storage::QueueState recover_queue(QueueId) override { return {}; }
  storage::QueueState recover_queue(QueueId, const storage::MessageVisitor&) override { return {}; }
  bool stopped_cleanly() const override { return true; }
  void close() override {}

  void finish_oldest(storage::StoreStatus status = storage::StoreStatus::stored) {
    Commit oldest = std::move(commits.front());
    commits.pop_front();
    oldest.done(std::move(oldest.batch), status);
  }

  std::deque<Commit> commits{};
};

class DurableLogTest : public testing::Test {
 protected:
  static MessageRef make_message(std::string_view body = "body") {
    static const std::string properties = protocol::encode_properties({.delivery_mode = std::uint8_t{2}});
    MessageBuilder builder;
    builder.begin({"", "q"}, protocol::as_octets(properties), body.size());
    builder.append(protocol::as_octets(body));
    return builder.finish();
  }
  static ConfirmTicket ticket(std::uint64_t sequence) { return {.session = SessionId{1}, .sequence = sequence}; }
  const storage::Batch& written(std::size_t place = 0) const { return *store_.commits.at(place).batch; }

  SlowStore store_{};
  std::vector<std::uint64_t> confirmed_{};
  DurableLog log_{store_, [](std::function<void()> work) { work(); },
                  [this](const ConfirmTicket& ticket) { confirmed_.push_back(ticket.sequence); }};
};

constexpr QueueId queue{7};

TEST_F(DurableLogTest, ConfirmsAnAppendWhenTheStoreHasIt) {
  log_.append(queue, 1, make_message("hello"), ticket(1));
  EXPECT_FALSE(log_.is_idle());
  log_.hand_over();
  ASSERT_THAT(store_.commits, SizeIs(1));
  ASSERT_THAT(written().appends, SizeIs(1));
  EXPECT_EQ(written().appends[0].queue, queue);
  EXPECT_EQ(written().appends[0].position, 1u);
  EXPECT_FALSE(written().appends[0].redelivered);
  EXPECT_EQ(Message::from_stored(written().contents.at(0).octets())->body().size(), 5u);
  EXPECT_THAT(confirmed_, IsEmpty());
  store_.finish_oldest();
  EXPECT_THAT(confirmed_, ElementsAre(1));
  EXPECT_TRUE(log_.is_idle());
}

TEST_F(DurableLogTest, NeverWritesWhatIsSettledBeforeItIsHandedOver) {
  const auto first = log_.append(queue, 1, make_message(), ticket(1));
  log_.append(queue, 2, make_message(), ticket(2));
  log_.settle({.queue = queue, .position = 1}, first);
  EXPECT_THAT(confirmed_, ElementsAre(1)) << "it has been consumed";
  log_.hand_over();
  ASSERT_THAT(written().appends, SizeIs(1));
  EXPECT_EQ(written().appends[0].position, 2u);
  EXPECT_THAT(written().settlements, IsEmpty());
  EXPECT_THAT(written().contents, SizeIs(1));
}

TEST_F(DurableLogTest, HandsNothingOverWhenAllHasBeenTakenBack) {
  log_.withdraw(log_.append(queue, 1, make_message(), ticket(1)));
  log_.hand_over();
  EXPECT_THAT(store_.commits, IsEmpty());
  EXPECT_THAT(confirmed_, ElementsAre(1));
  EXPECT_TRUE(log_.is_idle());
  EXPECT_EQ(log_.unwritten_octets(), 0u);
}

TEST_F(DurableLogTest, StoresTheSettlementOfWhatHasBeenHandedOver) {
  const auto append = log_.append(queue, 1, make_message(), ticket(1));
  log_.hand_over();
  EXPECT_FALSE(log_.withdraw(append));
  log_.settle({.queue = queue, .position = 1}, append);
  log_.settle({.queue = queue, .position = 5}, AppendNumber::recovered);
  EXPECT_THAT(confirmed_, IsEmpty()) << "it is not yet written";
  store_.finish_oldest();
  log_.hand_over();
  ASSERT_THAT(written().settlements, SizeIs(2));
  EXPECT_EQ(written().settlements[0].position, 1u);
  EXPECT_EQ(written().settlements[1].position, 5u);
}

TEST_F(DurableLogTest, LetsSettlementsWaitForSomethingElseToBeStored) {
  log_.settle({.queue = queue, .position = 1}, AppendNumber::recovered);
  EXPECT_TRUE(log_.hand_over_awaited()) << "somebody has to come back for it";
  EXPECT_THAT(store_.commits, IsEmpty());
  EXPECT_FALSE(log_.is_idle());
  log_.append(queue, 2, make_message(), ticket(1));
  EXPECT_FALSE(log_.hand_over_awaited());
  ASSERT_THAT(store_.commits, SizeIs(1));
  EXPECT_THAT(written().appends, SizeIs(1));
  EXPECT_THAT(written().settlements, SizeIs(1));
}

TEST_F(DurableLogTest, HandsSettlementsOverByThemselvesWhenAskedOrWhenTheyAreMany) {
  log_.settle({.queue = queue, .position = 1}, AppendNumber::recovered);
  log_.hand_over();
  ASSERT_THAT(store_.commits, SizeIs(1));
  for (Position position = 2; position < 2000; ++position)
    log_.settle({.queue = queue, .position = position}, AppendNumber::recovered);
  EXPECT_FALSE(log_.hand_over_awaited()) << "the turn in which the first one has been written takes the others";
  store_.finish_oldest();
  EXPECT_FALSE(log_.hand_over_awaited());
  ASSERT_THAT(store_.commits, SizeIs(1));
  EXPECT_THAT(written().settlements, SizeIs(1998));
}

TEST_F(DurableLogTest, LetsNobodyWaitWhoAsksWhenAllIsWritten) {
  bool is_written = false;
  log_.settle({.queue = queue, .position = 1}, AppendNumber::recovered);
  log_.when_written([&] { is_written = true; });
  log_.hand_over_awaited();
  ASSERT_THAT(store_.commits, SizeIs(1));
  store_.finish_oldest();
  EXPECT_TRUE(is_written);
}

TEST_F(DurableLogTest, HasOneBatchUnderWay) {
  log_.append(queue, 1, make_message(), ticket(1));
  log_.hand_over();
  for (Position position = 2; position <= 4; ++position) {
    log_.append(queue, position, make_message(), ticket(position));
    log_.hand_over();
  }
  EXPECT_THAT(store_.commits, SizeIs(1));
  store_.finish_oldest();
  EXPECT_THAT(confirmed_, ElementsAre(1));
  log_.hand_over();
  ASSERT_THAT(store_.commits, SizeIs(1));
  EXPECT_THAT(written().appends, SizeIs(3)) << "what has gathered meanwhile";
  store_.finish_oldest();
  EXPECT_THAT(confirmed_, ElementsAre(1, 2, 3, 4));
}

TEST_F(DurableLogTest, HandsTheContentOfAMessageOverOnceForAllItsQueues) {
  const MessageRef message = make_message();
  for (const std::uint64_t id : {1, 2, 3}) log_.append(QueueId{id}, 1, message, ticket(1));
  log_.append(QueueId{1}, 2, make_message("another"), ticket(2));
  log_.hand_over();
  ASSERT_THAT(written().appends, SizeIs(4));
  EXPECT_THAT(written().contents, SizeIs(2));
  EXPECT_EQ(written().appends[0].content, written().appends[2].content);
  EXPECT_NE(written().appends[0].content, written().appends[3].content);
  EXPECT_FALSE(message.is_unique());
  store_.finish_oldest();
  EXPECT_TRUE(message.is_unique()) << "the store has given it back";
}

TEST_F(DurableLogTest, WritesADeliveryBesideItsMessageWhileThereIsTime) {
  const auto append = log_.append(queue, 1, make_message(), {});
  EXPECT_TRUE(log_.note_delivered(append));
  log_.hand_over();
  EXPECT_TRUE(written().appends[0].redelivered);
  EXPECT_FALSE(log_.note_delivered(append)) << "too late";
  EXPECT_FALSE(log_.note_delivered(AppendNumber::recovered));
}

TEST_F(DurableLogTest, TellsWhenAllUntilNowIsWritten) {
  std::vector<int> events;
  log_.append(queue, 1, make_message(), {});
  log_.hand_over();
  log_.mark_delivered(queue, 2);
  log_.when_written([&] { events.push_back(1); });
  log_.hand_over();
  store_.finish_oldest();
  EXPECT_THAT(events, IsEmpty()) << "it came after what is written now";
  log_.hand_over();
  ASSERT_THAT(written().delivered, SizeIs(1));
  EXPECT_EQ(written().delivered[0].before, 2u);
  store_.finish_oldest();
  EXPECT_THAT(events, ElementsAre(1));
}

TEST_F(DurableLogTest, ConfirmsNothingWhenTheStoreEndsWithoutHavingWritten) {
  const MessageRef message = make_message();
  log_.append(queue, 1, message, ticket(1));
  log_.hand_over();
  store_.finish_oldest(storage::StoreStatus::failed);
  EXPECT_THAT(confirmed_, IsEmpty());
  EXPECT_TRUE(message.is_unique());
}

TEST_F(DurableLogTest, CountsTheOctetsThatWait) {
  const MessageRef message = make_message(std::string(10'000, 'x'));
  log_.append(queue, 1, message, {});
  EXPECT_EQ(log_.unwritten_octets(), message->footprint());
  log_.hand_over();
  EXPECT_EQ(log_.unwritten_octets(), message->footprint());
  log_.withdraw(log_.append(queue, 2, message, {}));
  store_.finish_oldest();
  EXPECT_EQ(log_.unwritten_octets(), 0u);
}

TEST_F(DurableLogTest, StoresALaneAsAQueueOfItsOwn) {
  const Lane lane = lane_of_priority(4);
  const Position position = begin_of(lane) + 9;
  log_.append(queue, position, make_message(), ticket(1));
  log_.settle({.queue = queue, .position = position - 1}, AppendNumber::recovered);
  log_.count_returns(queue, position - 2, 3);
  log_.mark_delivered(queue, position + 1);
  log_.purge(queue, begin_of(lane), position - 2);
  log_.hand_over();
  const QueueId stored = stored_lane(queue, lane);
  EXPECT_EQ(written().appends.at(0).queue, stored);
  EXPECT_EQ(written().appends.at(0).position, 9u);
  EXPECT_EQ(written().settlements.at(0).queue, stored);
  EXPECT_EQ(written().settlements.at(0).position, 8u);
  EXPECT_EQ(written().returns.at(0).queue, stored);
  EXPECT_EQ(written().returns.at(0).position, 7u);
  EXPECT_EQ(written().delivered.at(0).queue, stored);
  EXPECT_EQ(written().delivered.at(0).before, 10u);
  EXPECT_EQ(written().purges.at(0).queue, stored);
  EXPECT_EQ(written().purges.at(0).from, 0u);
  EXPECT_EQ(written().purges.at(0).before, 7u);
}

TEST_F(DurableLogTest, IsBehindWhileMoreIsSettledThanTheStoreCanWrite) {
  const auto settle = [this](Position position) {
    log_.settle({.queue = queue, .position = position}, AppendNumber::recovered);
  };
  settle(1);
  log_.hand_over();
  for (Position position = 2; position < 100'000; ++position) settle(position);
  EXPECT_TRUE(log_.is_behind());
  store_.finish_oldest();
  log_.hand_over();
  EXPECT_FALSE(log_.is_behind()) << "the store has them now";
}

}  // namespace
}  // namespace leveret::broker
