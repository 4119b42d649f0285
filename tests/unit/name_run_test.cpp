// Names in files, the filters before them, and several sequences of names as one.
#include "names/name_run.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "names/name_filter.hpp"
#include "names/name_merge.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::name_run_test {

using names::NameFilter;
using names::NameMerge;
using names::NameRecord;
using names::NameRun;

namespace {

// Hashes without a pattern.
std::uint32_t mixed(std::uint32_t number) { return static_cast<std::uint32_t>((number * 0x9e3779b97f4a7c15U) >> 32U); }

// Names that sort like numbers.
std::string numbered(std::uint32_t number) { return std::to_string(1'000'000 + number); }

NameMerge::Source source_of(const std::vector<std::string>& names) {
    return [&names, at = std::size_t{0}](NameRecord& record) mutable {
        if (at == names.size()) return false;
        record = {names[at], 0, static_cast<std::uint32_t>(at)};
        ++at;
        return true;
    };
}

std::string all_of(NameMerge& names) {
    std::string all;
    for (NameRecord record; names.next(record);) (all += record.name) += ' ';
    return all;
}

}  // namespace

TEST_CASE("a filter has what was added, and says of little else that it may", "[names]") {
    constexpr std::uint32_t count = 20'000;
    NameFilter filter(count);
    for (std::uint32_t i = 0; i < count; ++i) filter.add(mixed(i));
    std::uint32_t lost = 0;
    std::uint32_t taken_for_one = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!filter.may_have(mixed(i))) ++lost;
        if (filter.may_have(mixed(count + i))) ++taken_for_one;
    }
    CHECK(lost == 0);
    CHECK(taken_for_one < count / 50);
    CHECK_FALSE(NameFilter(0).may_have(0));
}

TEST_CASE("a run finds its names and no other, also where hashes are equal", "[names]") {
    const bool are_hashes_equal = GENERATE(false, true);
    constexpr std::uint32_t count = 4000;  // some twenty blocks
    const auto hash = [&](std::uint32_t number) { return are_hashes_equal ? 7 : mixed(number); };
    NameRun run(count / 2);
    for (std::uint32_t i = 0; i < count; i += 2) run.add({numbered(i), hash(i), i});
    run.seal();
    CHECK(run.size() == count / 2);
    std::uint32_t wrong = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto content = run.find(numbered(i), hash(i));
        if (i % 2 == 0 ? content != i : content.has_value()) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK_FALSE(run.find("", hash(0)));
    CHECK_FALSE(run.find("9", hash(0)));
    NameRun::Walk walk(run);
    std::uint32_t next = 0;
    for (NameRecord record; walk.next(record); next += 2) {
        REQUIRE(record.name == numbered(next));
        REQUIRE((record.content == next && record.hash == hash(next)));
    }
    CHECK(next == count);
}

TEST_CASE("a run has names of any length and bytes", "[names]") {
    const std::map<std::string, std::uint32_t> names{{"", 0},
                                                     {std::string("\0", 1), 1},
                                                     {std::string("\0a", 2), 2},
                                                     {std::string(100'000, 'l'), 3},
                                                     {std::string(100'001, 'l'), 4},
                                                     {"m\n", 5},
                                                     {"\xff\xff", 6}};
    NameRun run(names.size());
    for (const auto& [name, content] : names) run.add({name, content, content});
    run.seal();
    std::map<std::string, std::uint32_t> walked;
    NameRun::Walk walk(run);
    for (NameRecord record; walk.next(record);) walked.emplace(record.name, record.content);
    CHECK(walked == names);
    for (const auto& [name, content] : names) {
        CHECK(run.find(name, content) == content);
        CHECK_FALSE(run.find(name + "x", content));
    }
}

TEST_CASE("sequences of names are walked over as one in order", "[names]") {
    const std::vector<std::string> none;
    const std::vector<std::string> a{"b", "c", "h"};
    const std::vector<std::string> b{"a", "i"};
    const std::vector<std::string> c{"d", "e", "f", "g"};
    NameMerge of_none;
    CHECK(all_of(of_none).empty());
    NameMerge of_empty;
    of_empty.add(source_of(none));
    CHECK(all_of(of_empty).empty());
    CHECK(all_of(of_empty).empty());
    NameMerge of_all;
    for (const auto* names : {&a, &none, &b, &c}) of_all.add(source_of(*names));
    CHECK(all_of(of_all) == "a b c d e f g h i ");
}

}  // namespace poolcpuid::test::name_run_test
