#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Reads every #include line of the tree and compares it with the directions that docs/architecture.md draws.
namespace leveret::test {
namespace {

namespace fs = std::filesystem;

const fs::path root{LEVERET_SOURCE_DIRECTORY};

struct Include {
  std::string from{};  // both seen from the tree's root
  std::string to{};
};

bool is_source(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc";
}

/// What an #include line names in quotes; nothing for any other line.
std::optional<std::string> included(std::string_view line) {
  constexpr std::string_view directive = "#include \"";
  if (!line.starts_with(directive)) return {};
  line.remove_prefix(directive.size());
  return std::string{line.substr(0, line.find('"'))};
}

std::vector<Include> includes_below(std::string_view folder) {
  std::vector<Include> includes;
  if (!fs::exists(root / folder)) return includes;
  for (const auto& entry : fs::recursive_directory_iterator{root / folder}) {
    if (!is_source(entry.path())) continue;
    std::ifstream file{entry.path()};
    for (std::string line; std::getline(file, line);)
      if (auto to = included(line))
        includes.push_back({.from = fs::relative(entry.path(), root).string(), .to = *std::move(to)});
  }
  return includes;
}

/// What a folder's files may include beside the folder's own: folders, or single headers.
struct Direction {
  std::string folder{};
  std::vector<std::string> may_include{};
};

const std::vector<Direction> directions{
    {.folder = "protocol"},
    {.folder = "storage"},
    {.folder = "broker", .may_include = {"protocol/", "storage/store.h"}},
    {.folder = "configuration",
     .may_include = {"broker/broker.h", "broker/listener.h", "broker/tls.h", "broker/version.h"}},
    {.folder = "management",
     .may_include = {"broker/broker_query.h", "broker/listener.h", "broker/tls.h", "broker/version.h", "protocol/"}},
    {.folder = "perf", .may_include = {"protocol/"}},
};

/// The one file that knows everyone.
constexpr std::string_view main_file = "broker/main.cc";

bool is_allowed(const Include& include, const Direction& direction) {
  if (include.from == main_file || include.to.starts_with(direction.folder + "/")) return true;
  return std::any_of(direction.may_include.begin(), direction.may_include.end(),
                     [&](const std::string& allowed) { return include.to.starts_with(allowed); });
}

std::ostream& operator<<(std::ostream& stream, const Direction& row) {
  return stream << row.folder;
}

class Architecture : public testing::TestWithParam<Direction> {};

TEST_P(Architecture, LetsAFolderIncludeOnlyWhatItMayKnow) {
  const Direction& direction = GetParam();
  for (const Include& include : includes_below(direction.folder))
    EXPECT_TRUE(is_allowed(include, direction)) << include.from << " includes " << include.to;
}
INSTANTIATE_TEST_SUITE_P(Of, Architecture, testing::ValuesIn(directions),
                         [](const auto& row) { return row.param.folder; });

TEST(Architecture, KeepsTheModelFreeOfItsFrontEnds) {
  for (const Include& include : includes_below("broker")) {
    const bool is_model = !include.from.starts_with("broker/amqp/");
    // Who accepts clients, and who gives commands as one.
    const bool is_allowed_to_know = include.from == "broker/server.cc" ||
                                    include.from == "broker/broker_query_commands.cc" || include.from == main_file;
    const bool knows_front_end = include.to.starts_with("broker/amqp/");
    EXPECT_FALSE(is_model && knows_front_end && !is_allowed_to_know) << include.from << " includes " << include.to;
  }
}

TEST(Architecture, WritesIncludesFromTheTreesRoot) {
  for (const auto& direction : directions)
    for (const Include& include : includes_below(direction.folder))
      EXPECT_TRUE(fs::exists(root / include.to)) << include.from << " includes " << include.to;
}

TEST(Architecture, HasNoCircleOfIncludes) {
  std::map<std::string, std::vector<std::string>> included_by;
  for (const auto& direction : directions)
    for (Include& include : includes_below(direction.folder)) included_by[include.from].push_back(include.to);
  std::set<std::string> finished;
  std::vector<std::string> path;
  const auto visit = [&](const std::string& file, const auto& visit_next) -> void {
    if (finished.contains(file)) return;
    ASSERT_EQ(std::find(path.begin(), path.end(), file), path.end()) << file << " includes itself in the end";
    path.push_back(file);
    for (const auto& next : included_by[file]) visit_next(next, visit_next);
    path.pop_back();
    finished.insert(file);
  };
  std::vector<std::string> files;
  for (const auto& [file, to] : included_by) files.push_back(file);
  for (const auto& file : files) visit(file, visit);
}

TEST(Architecture, TheTestReadsSomething) {
  for (const auto folder : {"protocol", "storage", "broker", "management"})
    EXPECT_GT(includes_below(folder).size(), 10u) << folder;
}

}  // namespace
}  // namespace leveret::test
