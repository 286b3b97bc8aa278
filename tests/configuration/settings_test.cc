#include "configuration/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/configuration/files.h"

/// The format of the file, before anybody asks what its keys mean.
namespace leveret::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct LineCase {
  std::string_view line{};
  std::string_view key{};
  std::string_view value{};
};

class SettingsLine : public testing::TestWithParam<LineCase> {};

TEST_P(SettingsLine, IsAKeyAndAValue) {
  setenv("LEVERET_TEST_VALUE", "of # environment", 1);
  Files files;
  const auto settings = read_settings(files.write("a.conf", GetParam().line));
  ASSERT_EQ(settings.size(), 1u) << GetParam().line;
  EXPECT_EQ(settings[0].key, GetParam().key);
  EXPECT_EQ(settings[0].value, GetParam().value);
}
INSTANTIATE_TEST_SUITE_P(Of, SettingsLine,
                         testing::Values(LineCase{"a = b", "a", "b"}, LineCase{"a=b", "a", "b"},
                                         LineCase{"  a.b.1\t=  b c  ", "a.b.1", "b c"}, LineCase{"a = b\r\n", "a", "b"},
                                         LineCase{"a = b # comment", "a", "b"}, LineCase{"a = b#c", "a", "b"},
                                         LineCase{"a =", "a", ""}, LineCase{"a = b = c", "a", "b = c"},
                                         LineCase{"a = 'b # c' # d", "a", "b # c"}, LineCase{"a = ''", "a", ""},
                                         LineCase{"a = '$(LEVERET_TEST_VALUE)'", "a", "$(LEVERET_TEST_VALUE)"},
                                         LineCase{"a = $(LEVERET_TEST_VALUE)", "a", "of # environment"},
                                         LineCase{"a = <$(LEVERET_TEST_VALUE)$(LEVERET_TEST_VALUE)>", "a",
                                                  "<of # environmentof # environment>"},
                                         LineCase{"a = .*", "a", ".*"}, LineCase{"a = ^(b)$", "a", "^(b)$"},
                                         LineCase{"a = $(b", "a", "$(b"}));

TEST(Settings, LeavesOutCommentsAndEmptyLinesAndKnowsItsPlace) {
  Files files;
  const auto file = files.write("a.conf", "# one\n\n   ## two = 2\n a = 1\n");
  const auto settings = read_settings(file);
  ASSERT_EQ(settings.size(), 1u);
  EXPECT_EQ(settings[0].place(), file.string() + ":4");
}

TEST(Settings, TakesAValueFromAFileWithoutTheEndOfItsLastLine) {
  Files files;
  const auto secret = files.write("secret", "p#ss word \n");
  const auto settings = read_settings(files.write("a.conf", "default_pass = $(<" + secret.string() + ")"));
  EXPECT_EQ(settings.at(0).value, "p#ss word ");
}

struct WrongLineCase {
  std::string_view line{};
  std::string_view complaint{};
};

class WrongSettingsLine : public testing::TestWithParam<WrongLineCase> {};

TEST_P(WrongSettingsLine, IsRefusedWithItsPlace) {
  unsetenv("LEVERET_TEST_NONE");
  Files files;
  const auto file = files.write("a.conf", "a = 1\n" + std::string{GetParam().line});
  EXPECT_EQ(complaint_of([&] { read_settings(file); }), file.string() + ":2: " + std::string{GetParam().complaint});
}
INSTANTIATE_TEST_SUITE_P(
    Of, WrongSettingsLine,
    testing::Values(
        WrongLineCase{"listeners", "expected `key = value`"}, WrongLineCase{"= 1", "expected `key = value`"},
        WrongLineCase{"[{rabbit, []}].", "expected `key = value`"}, WrongLineCase{"a b = 1", "expected `key = value`"},
        WrongLineCase{"a = $(LEVERET_TEST_NONE)", "the environment has no variable LEVERET_TEST_NONE"},
        WrongLineCase{"a = $(</no/such/file)", "cannot read /no/such/file"},
        WrongLineCase{"a = 'b", "a value that begins with ' ends with ', and nothing but a comment follows"},
        WrongLineCase{"a = 'b' c", "a value that begins with ' ends with ', and nothing but a comment follows"}));

TEST(Settings, OfAFolderAreItsConfFilesByName) {
  Files files;
  const auto b = files.write("conf.d/20-b.conf", "");
  const auto a = files.write("conf.d/10-a.conf", "");
  files.write("conf.d/30-c.conf.example", "");
  EXPECT_THAT(configuration_files(files.path() / "conf.d"), ElementsAre(a, b));
}

TEST(Settings, OfAMissingFileAreRefused) {
  EXPECT_THAT(complaint_of([] { read_settings("/no/such/file"); }), HasSubstr("cannot read /no/such/file"));
}

}  // namespace
}  // namespace leveret::configuration
