#include "broker/topic_trie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exchange.h"

namespace leveret::broker {
namespace {

std::vector<std::string> words_of(std::string_view key) {
  std::vector<std::string> words;
  if (key.empty()) return words;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('.', begin), key.size());
    words.emplace_back(key.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

/// The rules themselves, word by word, with a table instead of a walk.
bool matches_by_definition(std::string_view binding_key, std::string_view routing_key) {
  const auto pattern = words_of(binding_key);
  const auto words = words_of(routing_key);
  std::vector<std::vector<bool>> table(pattern.size() + 1, std::vector<bool>(words.size() + 1));
  table[0][0] = true;
  for (std::size_t p = 1; p <= pattern.size(); ++p) {
    for (std::size_t w = 0; w <= words.size(); ++w) {
      if (pattern[p - 1] == "#")
        table[p][w] = table[p - 1][w] || (w > 0 && table[p][w - 1]);
      else
        table[p][w] = w > 0 && table[p - 1][w - 1] && (pattern[p - 1] == "*" || pattern[p - 1] == words[w - 1]);
    }
  }
  return table[pattern.size()][words.size()];
}

bool matches(const TopicTrie& trie, std::string_view routing_key) {
  std::vector<const Binding*> found;
  trie.match(routing_key, found);
  return !found.empty();
}

struct TopicCase {
  std::string_view binding_key{}, routing_key{};
  bool matches = false;
};

std::ostream& operator<<(std::ostream& stream, const TopicCase& row) {
  return stream << '\'' << row.routing_key << "' by '" << row.binding_key << '\'';
}

class TopicRules : public testing::TestWithParam<TopicCase> {};

TEST_P(TopicRules, DecideWhetherAKeyMatches) {
  const auto& [binding_key, routing_key, expected] = GetParam();
  TopicTrie trie;
  const Binding binding{};
  trie.insert(binding_key, &binding);
  EXPECT_EQ(matches(trie, routing_key), expected) << binding_key << " against " << routing_key;
  EXPECT_EQ(matches_by_definition(binding_key, routing_key), expected) << binding_key << " against " << routing_key;
}
INSTANTIATE_TEST_SUITE_P(Words, TopicRules,
                         testing::Values(TopicCase{"", "", true}, TopicCase{"", "a", false}, TopicCase{"a", "", false},
                                         TopicCase{"a", "a", true}, TopicCase{"a.b", "a.b", true},
                                         TopicCase{"a.b", "a", false}, TopicCase{"a", "a.b", false},
                                         TopicCase{"a.b", "A.b", false}, TopicCase{"a.", "a.", true},
                                         TopicCase{"a.", "a", false}, TopicCase{".", ".", true},
                                         TopicCase{"a..b", "a..b", true}, TopicCase{"a.b", "a..b", false},
                                         TopicCase{"a*", "ab", false}, TopicCase{"a*", "a*", true},
                                         TopicCase{"a#", "a", false}));
INSTANTIATE_TEST_SUITE_P(Star, TopicRules,
                         testing::Values(TopicCase{"*", "a", true}, TopicCase{"*", "", false},
                                         TopicCase{"*", "a.b", false}, TopicCase{"*.*", "a.b", true},
                                         TopicCase{"*.*", ".", true}, TopicCase{"a.*", "a.", true},
                                         TopicCase{"*.stock.#", "usd.stock", true}, TopicCase{"a.*.c", "a.b.c", true},
                                         TopicCase{"a.*.c", "a.c", false}, TopicCase{"*.*", "a", false}));
INSTANTIATE_TEST_SUITE_P(Hash, TopicRules,
                         testing::Values(TopicCase{"#", "", true}, TopicCase{"#", "a", true},
                                         TopicCase{"#", "a.b.c", true}, TopicCase{"a.#", "a", true},
                                         TopicCase{"a.#", "a.b.c", true}, TopicCase{"a.#", "b.a", false},
                                         TopicCase{"#.a", "a", true}, TopicCase{"#.a", "b.c.a", true},
                                         TopicCase{"#.a", "a.b", false}, TopicCase{"a.#.b", "a.b", true},
                                         TopicCase{"a.#.b", "a.x.y.b", true}, TopicCase{"a.#.b", "a", false},
                                         TopicCase{"#.#", "", true}, TopicCase{"#.#", "a", true},
                                         TopicCase{"#.*", "", false}, TopicCase{"#.*", "a.b", true},
                                         TopicCase{"*.#", "", false}, TopicCase{"*.#", "a", true},
                                         TopicCase{"#.a.#.b.#", "a.b", true}, TopicCase{"#.a.#.b.#", "b.a", false},
                                         TopicCase{"*.#.*", "a", false}, TopicCase{"*.#.*", "a.b", true}));

TEST(TopicTrie, AnswersLikeTheDefinitionForRandomKeys) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const auto random_key = [&](const std::vector<std::string_view>& alphabet) {
    std::string key;
    for (std::size_t i = 0, words = random() % 6; i < words; ++i) {
      if (i > 0) key += '.';
      key += alphabet[random() % alphabet.size()];
    }
    return key;
  };
  for (int round = 0; round < 200; ++round) {
    TopicTrie trie;
    std::deque<Binding> bindings;
    const auto check = [&] {
      for (int i = 0; i < 20; ++i) {
        const std::string routing_key = random_key({"a", "b", "", "*"});
        std::vector<const Binding*> found;
        trie.match(routing_key, found);
        std::vector<const Binding*> expected;
        for (const Binding& binding : bindings)
          if (matches_by_definition(binding.key, routing_key)) expected.push_back(&binding);
        ASSERT_THAT(found, testing::UnorderedElementsAreArray(expected)) << "routing key " << routing_key;
      }
    };
    for (int i = 0; i < 20; ++i) {
      const Binding& binding = bindings.emplace_back(Binding{.key = random_key({"a", "b", "", "*", "#"})});
      trie.insert(binding.key, &binding);
    }
    check();
    while (bindings.size() > 8) {
      trie.erase(bindings.front().key, &bindings.front());
      bindings.pop_front();
    }
    check();
    for (const Binding& binding : bindings) trie.erase(binding.key, &binding);
    EXPECT_TRUE(trie.empty()) << "an erased binding has left something behind";
  }
}

TEST(TopicTrie, KeepsBindingsOfOneKeyApart) {
  TopicTrie trie;
  const Binding first{};
  const Binding second{};
  trie.insert("a.*", &first);
  trie.insert("a.*", &second);
  trie.erase("a.*", &first);
  std::vector<const Binding*> found;
  trie.match("a.b", found);
  EXPECT_THAT(found, testing::ElementsAre(&second));
}

/// A key of `words` words, which repeat those of `cycle`.
std::string long_key(std::size_t words, const std::vector<std::string_view>& cycle) {
  std::string key;
  for (std::size_t i = 0; i < words; ++i) {
    if (i > 0) key += '.';
    key += cycle[i % cycle.size()];
  }
  return key;
}

/// What this process has used, however busy the machine is.
std::chrono::duration<double> processor_time() {
  return std::chrono::duration<double>{static_cast<double>(std::clock()) / CLOCKS_PER_SEC};
}

TEST(TopicTrie, StaysFastWhenABindingKeyIsAllWildcards) {
  TopicTrie trie;
  const Binding binding{};
  trie.insert(long_key(126, {"#", "a"}) + ".b", &binding);
  trie.insert(long_key(126, {"#", "*"}) + ".b", &binding);
  trie.insert(long_key(126, {"#"}) + ".b", &binding);
  const std::string routing_key = long_key(127, {"a"});
  const auto start = processor_time();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(matches(trie, routing_key));
  EXPECT_LT(processor_time() - start, std::chrono::seconds{5});
}

TEST(TopicTrie, StaysFastWhenManyBindingKeysAreAllWildcards) {
  std::mt19937 random{1};
  TopicTrie trie;
  std::deque<Binding> bindings;
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::string_view> words(40);
    std::generate(words.begin(), words.end(), [&] { return std::array{"#", "*", "a"}[random() % 3]; });
    const Binding& binding = bindings.emplace_back(Binding{.key = long_key(40, words) + ".b"});
    trie.insert(binding.key, &binding);
  }
  const std::string routing_key = long_key(127, {"a"});
  const auto start = processor_time();
  EXPECT_FALSE(matches(trie, routing_key));
  EXPECT_LT(processor_time() - start, std::chrono::seconds{5});
}

}  // namespace
}  // namespace leveret::broker
