// The names of a pool's hosts against what a sorted map says of the same.
#include "merge/names.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.hpp"

namespace poolcpuid::test::names_test {

using merge::Names;

namespace {

using Map = std::map<std::string, std::uint32_t>;

Map walked(const Names& names) {
    Map all;
    std::string last;
    names.each([&](std::string_view name, std::uint32_t content) {
        CHECK((all.empty() || last < name));
        last = name;
        all.emplace(name, content);
    });
    CHECK(all.size() == names.size());
    return all;
}

}  // namespace

TEST_CASE("names are found, and walked over in order, however they were added", "[names]") {
    std::mt19937 random(17);
    const bool in_order = GENERATE(false, true);
    Map expected{{std::string(), 3}, {std::string(300, 'n'), 4}};  // the longest is longer than a host's may be
    for (std::uint32_t i = 0; i < 5000; ++i) expected.emplace("node-" + std::to_string(random() % 100'000), i);
    std::vector<std::pair<std::string, std::uint32_t>> all(expected.begin(), expected.end());
    if (!in_order) std::shuffle(all.begin(), all.end(), random);
    Names names;
    CHECK_FALSE(names.find("node-1"));
    for (const auto& [name, content] : all) {
        CHECK_FALSE(names.find(name));
        names.add(name, content);
        CHECK(names.find(name) == content);
    }
    CHECK(walked(names) == expected);
    CHECK(names.first().empty());
    CHECK_FALSE(names.find("node-x"));
    const bool are_all_found = std::all_of(expected.begin(), expected.end(),
                                           [&](const auto& entry) { return names.find(entry.first) == entry.second; });
    CHECK(are_all_found);
}

// Of so many some dozen pairs have the 32 bits of a hash in common, whatever the key.
TEST_CASE("names whose hashes are equal stay two", "[names]") {
    constexpr std::uint32_t count = 400'000;
    Names names;
    for (std::uint32_t i = 0; i < count; ++i) names.add(std::to_string(i), i);
    std::uint32_t wrong = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (names.find(std::to_string(i)) != i) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a copy of names is apart from what it was made of", "[names]") {
    Names names;
    for (const char* name : {"c", "a", "b"}) names.add(name, 1);
    CHECK(names.first() == "a");
    Names copy(names);
    copy.add("A", 2);
    CHECK(copy.first() == "A");
    CHECK(walked(names) == Map{{"a", 1}, {"b", 1}, {"c", 1}});
    CHECK(walked(copy) == Map{{"A", 2}, {"a", 1}, {"b", 1}, {"c", 1}});
}

}  // namespace poolcpuid::test::names_test
