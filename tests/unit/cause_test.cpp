// The words for causes: each has its meaning in the documentation and its place in the schema.

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::cause_test {

namespace {

const std::string repository = POOLCPUID_SOURCE_DIR;

std::vector<std::string> all_causes() {
    std::vector<std::string> words;
    for (auto cause = static_cast<std::uint8_t>(Cause::agreement); cause <= static_cast<std::uint8_t>(Cause::never);
         ++cause) {
        words.emplace_back(to_string(static_cast<Cause>(cause)));
    }
    return words;
}

}  // namespace

TEST_CASE("what goes because something else went is a consequence, and nothing else is", "[policy]") {
    std::vector<std::string> consequences;
    for (const std::string& word : all_causes()) {
        if (is_consequence(cause_named(word).value())) consequences.push_back(word);
    }
    std::sort(consequences.begin(), consequences.end());
    CHECK(consequences == std::vector<std::string>{"dependency", "duty", "equality", "gate", "group", "xsave-state"});
}

TEST_CASE("every cause has a word of its own, by which it is found again", "[policy]") {
    for (auto number = static_cast<std::uint8_t>(Cause::agreement); number <= static_cast<std::uint8_t>(Cause::never);
         ++number) {
        const auto cause = static_cast<Cause>(number);
        INFO(to_string(cause));
        CHECK_FALSE(to_string(cause).empty());
        CHECK(cause_named(to_string(cause)) == cause);
    }
    CHECK_FALSE(cause_named("because"));
    CHECK_FALSE(remark_kind_named(""));
}

TEST_CASE("the schema of policies has just these causes, and docs/explain.md says what each means", "[policy]") {
    const auto schema = nlohmann::json::parse(bytes_of(repository + "/schemas/policy.schema.json"));
    CHECK(schema.at("definitions").at("cause").at("enum").get<std::vector<std::string>>() == all_causes());
    const std::string page = bytes_of(repository + "/docs/explain.md");
    for (const std::string& word : all_causes()) CHECK_THAT(page, Catch::Contains("`" + word + "`"));
}

}  // namespace poolcpuid::test::cause_test
