// The names of a pool's hosts against what a sorted map says of the same.
#include "names/names.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/catch.hpp"

namespace poolcpuid::test::names_test {

using names::Names;

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

// Random bytes, few of them different, so that names begin alike.
std::string odd_name(std::mt19937& random, std::size_t most) {
    constexpr std::string_view bytes("\0\n\x7f\x80\xff-a", 7);
    std::string name;
    for (std::size_t size = random() % (most + 1); name.size() < size;) name += bytes[random() % bytes.size()];
    return name;
}

// True when each is found.
bool agree(const Names& names, const Map& expected) {
    return std::all_of(expected.begin(), expected.end(),
                       [&](const auto& entry) { return names.find(entry.first) == entry.second; });
}

}  // namespace

TEST_CASE("names are found, and walked over in order, however they were added", "[names]") {
    std::mt19937 random(17);
    const bool in_order = GENERATE(false, true);
    // In memory all, some, and one alone: in files then are some runs, and four levels of them.
    const std::size_t most = GENERATE(Names::most_in_memory, 600, 1);
    Map expected{{std::string(), 3}, {std::string(300, 'n'), 4}};  // the longest is longer than a host's may be
    for (std::uint32_t i = 0; i < 5000; ++i) expected.emplace("node-" + std::to_string(random() % 100'000), i);
    std::vector<std::pair<std::string, std::uint32_t>> all(expected.begin(), expected.end());
    if (!in_order) std::shuffle(all.begin(), all.end(), random);
    Names names(most);
    CHECK_FALSE(names.find("node-1"));
    for (const auto& [name, content] : all) {
        CHECK_FALSE(names.find(name));
        names.add(name, content);
        CHECK(names.find(name) == content);
    }
    CHECK(walked(names) == expected);
    CHECK(names.first().empty());
    CHECK_FALSE(names.find("node-x"));
    CHECK(agree(names, expected));
}

TEST_CASE("names are those of a sorted map, whatever their bytes and however few are in memory", "[names]") {
    std::mt19937 random(GENERATE(1U, 2U, 3U));
    const std::size_t most = GENERATE(std::size_t{1}, 2U, 33U);
    const std::size_t longest = GENERATE(std::size_t{4}, 200U);
    Map expected;
    Names names(most);
    for (std::uint32_t i = 0; i < 1500; ++i) {
        const std::string name = odd_name(random, longest);
        const auto at = expected.find(name);
        REQUIRE(names.find(name) == (at == expected.end() ? std::nullopt : std::optional(at->second)));
        if (at != expected.end()) continue;  // of what was added before, in memory or in a file
        names.add(name, i);
        expected.emplace(name, i);
        if (i % 300 == 0) REQUIRE(walked(names) == expected);
    }
    CHECK(walked(names) == expected);
    CHECK(names.first() == expected.begin()->first);
    CHECK(agree(names, expected));
}

TEST_CASE("a walk over names ends where it is told to", "[names]") {
    Names names(GENERATE(Names::most_in_memory, 10));
    for (std::uint32_t i = 100; i < 200; ++i) names.add(std::to_string(i), i);
    std::string seen;
    names.each_until([&](std::string_view name, std::uint32_t) { return (seen += name).size() == 9; });
    CHECK(seen == "100101102");
}

TEST_CASE("several threads find and walk over names at once", "[names]") {
    Names names(50);
    Map expected;
    for (std::uint32_t i = 0; i < 2000; ++i) expected.emplace(std::to_string(i * 7919 % 10'007), i);
    for (const auto& [name, content] : expected) names.add(name, content);
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            Map all;
            names.each([&](std::string_view name, std::uint32_t content) { all.emplace(name, content); });
            if (all == expected && agree(names, expected)) ++right;
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(right == 4);
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

TEST_CASE("a copy of names has those in files, and neither sees what the other is given then", "[names]") {
    Names names(5);
    Map of_names;
    const auto add = [](Names& to, Map& expected, const char* prefix) {
        for (std::uint32_t i = 0; i < 100; ++i) {
            to.add(prefix + std::to_string(i), i);
            expected.emplace(prefix + std::to_string(i), i);
        }
    };
    add(names, of_names, "m-");
    {
        Names copy(names);
        Map of_copy = of_names;
        add(copy, of_copy, "c-");
        add(names, of_names, "n-");
        CHECK(walked(copy) == of_copy);
        CHECK(agree(copy, of_copy));
        CHECK_FALSE(copy.find("n-1"));
    }
    CHECK(walked(names) == of_names);
    CHECK(agree(names, of_names));
    CHECK_FALSE(names.find("c-1"));
}

}  // namespace poolcpuid::test::names_test
