#include "broker/exchanges/headers_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <list>
#include <random>
#include <set>

#include "broker/exchanges/headers_match.h"

namespace leveret::broker {
namespace {

using protocol::FieldTableBuilder;

/// Few names and few values, many of them equal in other types, so that bindings and messages often meet.
class RandomTables {
 public:
  explicit RandomTables(std::uint64_t seed) : engine_{seed} {}

  std::size_t below(std::size_t limit) { return engine_() % limit; }

  std::string criteria() {
    FieldTableBuilder builder;
    static constexpr std::array<std::string_view, 4> modes{"all", "any", "all-with-x", "any-with-x"};
    if (below(5) > 0) builder.put("x-match", modes[below(modes.size())]);
    return entries(builder, 4);
  }
  std::string headers() {
    FieldTableBuilder builder;
    return entries(builder, 6);
  }

 private:
  std::string entries(FieldTableBuilder& builder, std::size_t limit) {
    static constexpr std::array<std::string_view, 5> names{"a", "b", "c", "x-d", "x-e"};
    for (std::size_t count = below(limit); count > 0; --count) put(builder, names[below(names.size())]);
    return builder.take();
  }

  void put(FieldTableBuilder& builder, std::string_view name) {
    switch (below(16)) {
      case 0:
        builder.put(name, nullptr);
        break;
      case 1:
        builder.put(name, std::int8_t{1});
        break;
      case 2:
        builder.put(name, std::int64_t{1});
        break;
      case 3:
        builder.put(name, 1.0);
        break;
      case 4:
        builder.put(name, 1.0F);
        break;
      case 5:
        builder.put(name, protocol::Timestamp{1});
        break;
      case 6:
        builder.put(name, below(2) == 1);
        break;
      case 7:
        builder.put(name, 0);
        break;
      case 8:
        builder.put(name, -0.0);
        break;
      case 9:
        builder.put(name, std::string_view{"1"});
        break;
      case 10:
        builder.put(name, protocol::as_octets(std::string_view{"1"}));
        break;
      case 11:
        builder.put(name, FieldTableBuilder{}.put("n", below(2) == 1 ? 0.0 : -0.0));
        break;
      case 12:
        builder.put(name, protocol::FieldArrayBuilder{}.add(1).add(std::string_view{"1"}));
        break;
      case 13:
        builder.put(name, std::numeric_limits<std::int64_t>::max());
        break;
      case 14:
        builder.put(name, std::numeric_limits<double>::quiet_NaN());
        break;
      default:
        builder.put(name, static_cast<double>(std::numeric_limits<std::int64_t>::max()));
    }
  }

  std::mt19937_64 engine_;
};

std::set<const Binding*> matches_of(const HeadersIndex& index, protocol::FieldTable headers) {
  std::vector<const Binding*> matches;
  index.match({.headers = headers}, matches);
  return {matches.begin(), matches.end()};
}

TEST(HeadersIndex, FindsWhatHeadersMatchFinds) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomTables random{seed};
  HeadersIndex index;
  std::list<Binding> bindings;
  std::size_t matched = 0;
  for (int round = 0; round < 3000; ++round) {
    if (bindings.size() < 60 || random.below(2) == 0) {
      index.insert(&bindings.emplace_back(Binding{.arguments = random.criteria()}));
    } else {
      const auto erased = std::next(bindings.begin(), static_cast<std::ptrdiff_t>(random.below(bindings.size())));
      index.erase(&*erased);
      bindings.erase(erased);
    }
    const std::string encoded = random.headers();
    const protocol::FieldTable headers{protocol::as_octets(encoded)};
    std::set<const Binding*> expected;
    for (const Binding& binding : bindings)
      if (headers_match(binding.argument_table(), headers)) expected.insert(&binding);
    ASSERT_EQ(matches_of(index, headers), expected) << describe(headers);
    matched += expected.size();
  }
  EXPECT_GT(matched, 3000u);
  for (const Binding& binding : bindings) index.erase(&binding);
  EXPECT_THAT(matches_of(index, {}), testing::IsEmpty());
}

TEST(HeadersIndex, ForgetsABindingWhosePlaceOthersShare) {
  HeadersIndex index;
  const auto arguments = FieldTableBuilder{}.put("colour", std::string_view{"red"}).take();
  const Binding first{.arguments = arguments};
  const Binding second{.arguments = arguments};
  index.insert(&first);
  index.insert(&second);
  index.erase(&first);
  EXPECT_THAT(matches_of(index, first.argument_table()), testing::ElementsAre(&second));
}

}  // namespace
}  // namespace leveret::broker
