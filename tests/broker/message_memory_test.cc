#include "broker/message_memory.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "broker/message.h"

namespace leveret::broker {
namespace {

constexpr std::size_t slack = 256 * 1024;  // what threads have not told yet

MessageRef make_message(std::size_t octets) {
  const std::string body(octets, 'x');
  MessageBuilder builder;
  builder.begin({"", "q"}, {}, body.size());
  builder.append(protocol::as_octets(body));
  return builder.finish();
}

TEST(MessageMemory, CountsAMessageOnceHoweverManyHaveIt) {
  const std::size_t before = MessageMemory::octets();
  {
    std::vector<MessageRef> messages;
    for (int i = 0; i < 1000; ++i) messages.push_back(make_message(10'000));
    const std::vector<MessageRef> again = messages;
    EXPECT_NEAR(static_cast<double>(MessageMemory::octets() - before), 10e6, 0.5e6);
  }
  EXPECT_LT(MessageMemory::octets(), before + slack);
}

TEST(MessageMemory, ForgetsWhatAnotherThreadLetsGo) {
  const std::size_t before = MessageMemory::octets();
  std::vector<MessageRef> messages;
  for (int i = 0; i < 1000; ++i) messages.push_back(make_message(2000));
  std::thread{[&messages] { messages.clear(); }}.join();
  EXPECT_LT(MessageMemory::octets(), before + slack);
}

TEST(MessageMemory, CountsTheRoomOfABodyThatGrows) {
  const std::size_t before = MessageMemory::octets();
  {
    const std::string part(1'000'000, 'x');
    MessageBuilder builder;
    builder.begin({"", "q"}, {}, 8 * part.size());
    for (int i = 0; i < 8; ++i) builder.append(protocol::as_octets(part));
    EXPECT_NEAR(static_cast<double>(MessageMemory::octets() - before), 8e6, slack);
  }
  EXPECT_LT(MessageMemory::octets(), before + slack);
}

}  // namespace
}  // namespace leveret::broker
