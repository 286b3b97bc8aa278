#include "protocol/methods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "tests/protocol/output.h"
#include "tests/protocol/random_values.h"

namespace leveret::protocol {
namespace {

bool same(FieldTable left, FieldTable right) {
  return std::ranges::equal(left.octets(), right.octets());
}
template <class T>
bool same(const T& left, const T& right) {
  return left == right;
}

template <Method M>
M random_method(RandomValues& values) {
  M method{};
  std::apply([&](auto... field) { (values.fill(method.*field.member), ...); }, M::fields);
  return method;
}

template <Method M>
std::string encoded(const M& method) {
  OutputBuffer output;
  encode(method, ChannelNumber{7}, output);
  return unwritten(output);
}

/// The arguments in a whole method frame.
Octets arguments_of(std::string_view frame) {
  return as_octets(frame).subspan(frame_header_size + method_id_size, frame.size() - frame_overhead - method_id_size);
}

/// A method's arguments with nothing behind them, so that a sanitizer sees every read beyond.
template <Method M>
Result<M> decode_copy(const std::vector<std::uint8_t>& arguments) {
  return decode<M>(Octets{arguments});
}

template <Method M>
void check_round_trip(RandomValues& values) {
  const M method = random_method<M>(values);
  const std::string frame = encoded(method);
  Octets unread = as_octets(frame);
  const auto taken = take_frame(unread, 0);
  ASSERT_TRUE(taken && *taken) << M::name;
  EXPECT_TRUE(unread.empty()) << M::name;
  EXPECT_EQ((*taken)->channel, ChannelNumber{7});
  const auto decoded = decode<M>((*taken)->payload.subspan(method_id_size));
  ASSERT_TRUE(decoded) << M::name << ' ' << decoded.error().reply_text();
  const auto check = [&](auto field) {
    EXPECT_TRUE(same((*decoded).*field.member, method.*field.member)) << M::name << ' ' << field.name;
  };
  std::apply([&](auto... field) { (check(field), ...); }, M::fields);
  EXPECT_EQ(encoded(*decoded), frame) << M::name;
  EXPECT_EQ(describe(*decoded), describe(method));
}

template <Method M>
void check_truncations(RandomValues& values) {
  const std::string frame = encoded(random_method<M>(values));
  const Octets arguments = arguments_of(frame);
  for (std::size_t size = 0; size < arguments.size(); ++size) {
    const std::vector<std::uint8_t> cut{arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(size)};
    const auto decoded = decode_copy<M>(cut);
    ASSERT_FALSE(decoded) << M::name << " of " << size << " octets";
    EXPECT_EQ(decoded.error().code, ReplyCode::frame_error);
    EXPECT_EQ(decoded.error().method, M::id);
  }
  std::vector<std::uint8_t> longer{arguments.begin(), arguments.end()};
  longer.push_back(0);
  EXPECT_FALSE(decode_copy<M>(longer)) << M::name << " with an octet too many";
}

template <Method... Methods>
void for_each(MethodList<Methods...>, auto&& check) {
  (check.template operator()<Methods>(), ...);
}

class Methods : public testing::Test {
 protected:
  template <class Check>
  void check_all(Check check) {
    for_each(ClientMethods{}, check);
    for_each(ServerMethods{}, check);
  }

  RandomValues values_for_seed() {
    const std::uint64_t seed = random_seed();
    RecordProperty("seed", std::to_string(seed));
    std::cout << "seed=" << seed << '\n';
    return RandomValues{seed};
  }
};

TEST_F(Methods, AreTheSameAfterEncodingAndDecoding) {
  RandomValues values = values_for_seed();
  for (int round = 0; round < 50; ++round) check_all([&]<Method M>() { check_round_trip<M>(values); });
}

TEST_F(Methods, AreRefusedInEveryTruncation) {
  RandomValues values = values_for_seed();
  for (int round = 0; round < 5; ++round) check_all([&]<Method M>() { check_truncations<M>(values); });
}

TEST_F(Methods, AreDecodedFromAnyOctetsWithoutFault) {
  RandomValues values = values_for_seed();
  for (int round = 0; round < 200; ++round) {
    const std::string_view octets = values.octets(values.below(64));
    const std::vector<std::uint8_t> copy{octets.begin(), octets.end()};
    check_all([&]<Method M>() { (void)decode_copy<M>(copy); });
  }
}

TEST_F(Methods, AreEncodedAsTheSpecificationSays) {
  using namespace std::string_view_literals;
  const queue::Declare declare{.queue = "ab", .durable = true, .nowait = true};
  EXPECT_EQ(encoded(declare), "\1\0\7\0\0\0\x0E\0\x32\0\x0A\0\0\2ab\x12\0\0\0\0\xCE"sv);
  EXPECT_EQ(encoded(basic::Deliver{.consumer_tag = "c",
                                   .delivery_tag = DeliveryTag{258},
                                   .redelivered = true,
                                   .exchange = "",
                                   .routing_key = "q"}),
            "\1\0\7\0\0\0\x12\0\x3C\0\x3C\1c\0\0\0\0\0\0\1\2\1\0\1q\xCE"sv);
  EXPECT_EQ(encoded(tx::Select{}), "\1\0\7\0\0\0\4\0\x5A\0\x0A\xCE"sv);
}

TEST_F(Methods, CutShortStringsTo255Octets) {
  const std::string long_text(300, 'x');
  const std::string frame = encoded(channel::Close{.reply_code = 404, .reply_text = long_text});
  const auto decoded = decode<channel::Close>(arguments_of(frame));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->reply_text, long_text.substr(0, 255));
}

TEST_F(Methods, DescribeWhatDiffersFromTheDefault) {
  const FieldTableBuilder arguments = FieldTableBuilder{}.put("x-max-length", 10).put("x-overflow", "drop-head");
  EXPECT_EQ(describe(queue::Declare{.queue = "a", .durable = true, .arguments = arguments.view()}),
            R"(queue.declare{queue="a", durable=true, arguments={x-max-length=10, x-overflow="drop-head"}})");
  EXPECT_EQ(describe(basic::Ack{.delivery_tag = DeliveryTag{7}}), "basic.ack{delivery-tag=7}");
  EXPECT_EQ(describe(tx::Select{}), "tx.select{}");
}

TEST_F(Methods, DescribeNoSecret) {
  const std::string text = describe(connection::StartOk{.mechanism = "PLAIN", .response = "password"});
  EXPECT_EQ(text, R"(connection.start-ok{mechanism="PLAIN", response=(8 octets)})");
}

/// The payload of a method frame.
std::string payload(MethodId id, std::string_view arguments) {
  std::string text(method_id_size, '\0');
  auto* octets = reinterpret_cast<std::uint8_t*>(text.data());
  store(store(octets, id.class_id), id.method_id);
  return text.append(arguments);
}

AmqpError error_of(const std::string& method_payload) {
  const auto result = dispatch(as_octets(method_payload), [](const auto&) -> Result<void> { return {}; });
  return result ? AmqpError{.code = ReplyCode::reply_success} : result.error();
}

TEST(Dispatch, CallsTheVisitorWithEachMethodAClientMaySend) {
  RandomValues values{1};
  for_each(ClientMethods{}, [&]<Method M>() {
    const M method = random_method<M>(values);
    const std::string frame = encoded(method);
    const Octets octets = as_octets(frame).subspan(frame_header_size, frame.size() - frame_overhead);
    std::string visited;
    const auto result = dispatch(octets, [&](const auto& seen) -> Result<void> {
      visited = describe(seen);
      return {};
    });
    EXPECT_TRUE(result) << M::name;
    EXPECT_EQ(visited, describe(method));
  });
}

TEST(Dispatch, StampsTheMethodOnAnErrorWithoutOne) {
  const std::string commit = payload(tx::Commit::id, "");
  const auto refused = dispatch(as_octets(commit), [](const auto&) -> Result<void> { return not_found("no"); });
  EXPECT_EQ(refused.error().method, tx::Commit::id);
  const auto other = dispatch(as_octets(commit), [](const auto&) -> Result<void> {
    return AmqpError{.code = ReplyCode::not_found, .method = basic::Publish::id};
  });
  EXPECT_EQ(other.error().method, basic::Publish::id);
}

struct RefusalCase {
  std::string method_payload;
  std::string_view reply_text;
  MethodId method;
};

std::ostream& operator<<(std::ostream& stream, const RefusalCase& row) {
  return stream << row.reply_text;
}

class DispatchRefusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(DispatchRefusal, HasTheWordsOfRabbitMq) {
  const AmqpError error = error_of(GetParam().method_payload);
  EXPECT_EQ(error.reply_text(), GetParam().reply_text);
  EXPECT_EQ(error.method, GetParam().method);
  EXPECT_EQ(error.scope(), Scope::connection);
}

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(
    Malformed, DispatchRefusal,
    testing::Values(
        RefusalCase{"", "FRAME_ERROR - type 1, all octets = <<>>: unknown_frame", {}},
        RefusalCase{"\0\x3C\0"s, "FRAME_ERROR - type 1, all octets = <<0,60,0>>: unknown_frame", {}},
        RefusalCase{payload({50, 10}, "\0\0\7pro"s), "FRAME_ERROR - cannot decode <<0,0,7,112,114,111>>", {50, 10}},
        RefusalCase{payload({50, 10}, ""), "FRAME_ERROR - cannot decode <<>>", {50, 10}},
        RefusalCase{payload({90, 10}, "zzz"), "FRAME_ERROR - cannot decode <<122,122,122>>", {90, 10}},
        RefusalCase{payload({50, 10}, "\0\0\1q\0\0\0\0\3\1k?"s),
                    "FRAME_ERROR - cannot decode <<0,0,1,113,0,0,0,0,3,1,107,63>>",
                    {50, 10}},
        RefusalCase{payload({50, 10}, "\0\0\1\xFF\0\0\0\0\0"s), "FRAME_ERROR - Malformed UTF-8 in shortstr", {}},
        RefusalCase{payload({10, 40}, "\1\xFF\0\0"s), "FRAME_ERROR - Malformed UTF-8 in shortstr", {10, 40}},
        RefusalCase{payload({50, 11}, "\1a\0\0\0\0\0\0\0\0"s), "COMMAND_INVALID - unimplemented method", {50, 11}},
        RefusalCase{payload({99, 1}, ""), "COMMAND_INVALID - unimplemented method", {99, 1}}));

TEST(Dispatch, TakesRoutingKeysThatAreNotUtf8) {
  EXPECT_EQ(error_of(payload({60, 40}, "\0\0\0\1\xFF\0"s)).code, ReplyCode::reply_success);
}

TEST(Dispatch, CutsTheTextOfAnErrorAsRabbitMqDoes) {
  const std::string text = error_of(payload({90, 10}, std::string(200, 'a'))).reply_text();
  EXPECT_EQ(text.size(), 255U);
  EXPECT_THAT(text, testing::StartsWith("FRAME_ERROR - cannot decode <<97,97,"));
  EXPECT_THAT(text, testing::EndsWith("..."));
}

}  // namespace
}  // namespace leveret::protocol
