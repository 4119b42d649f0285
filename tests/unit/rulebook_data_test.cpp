// Text and List, by which the records of a rulebook refer to what is not in them: they mean the same wherever a copy of
// them stands, and whether what they view was compiled in or not.

#include "poolcpuid/rulebook_data.hpp"

#include <algorithm>
#include <iomanip>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::rulebook_data_test {

static_assert(std::is_trivially_copyable_v<Field> && std::is_trivially_copyable_v<Rulebook>);
static_assert(std::is_convertible_v<List<Text>, std::span<const Text>>);
static_assert(!std::is_convertible_v<std::string, Text>, "what it views has to outlive it");

TEST_CASE("what is default constructed is empty", "[rulebook]") {
    CHECK(Text().empty());
    CHECK(Text() == "");
    CHECK(std::string_view(Text()).empty());
    CHECK(List<Text>().empty());
    CHECK(List<Text>().begin() == List<Text>().end());
}

TEST_CASE("a text views text that lies anywhere", "[rulebook]") {
    static constexpr std::string_view in_program = "of the program";
    const std::string on_heap(100, 'h');
    const char on_stack[] = "of the stack";
    for (const std::string_view viewed : {in_program, std::string_view(on_heap), std::string_view(on_stack)}) {
        const Text text(viewed);
        const Text copy = text;
        CHECK(copy.data() == viewed.data());
        CHECK(copy.size() == viewed.size());
        CHECK(copy == viewed);
        CHECK(std::string(copy.begin(), copy.end()) == viewed);
    }
}

TEST_CASE("texts compare by their bytes", "[rulebook]") {
    const std::string twice = "avx avx";
    const Text one(std::string_view(twice).substr(0, 3));
    const Text other(std::string_view(twice).substr(4));
    CHECK(one.data() != other.data());
    CHECK(one == other);
    CHECK(one == "avx");
    CHECK(std::string("avx") == one);
    CHECK(one != "avx2");
    CHECK(one < Text("avx2"));
    CHECK("apic" < one);
}

TEST_CASE("a text is written as its bytes", "[rulebook]") {
    std::ostringstream out;
    out << std::setw(6) << Text("avx") << Text();
    CHECK(out.str() == "   avx");
    CHECK(nlohmann::json(Text("avx")) == "avx");
}

TEST_CASE("a list views items that lie anywhere", "[rulebook]") {
    const auto items = std::make_unique<const std::vector<NumberRange>>(3, NumberRange{7, 9});
    const List<NumberRange> list{std::span(*items)};
    const List<NumberRange> copy = list;
    REQUIRE(copy.size() == 3);
    CHECK(copy.begin() == items->data());
    CHECK(&copy.front() == &items->front());
    CHECK(&copy[1] == &(*items)[1]);
    CHECK(&copy.back() == &items->back());
    const std::span<const NumberRange> span = copy;
    CHECK(span.data() == items->data());
    CHECK(span.size() == 3);
}

TEST_CASE("a copy of a record refers to what the record refers to", "[rulebook]") {
    const Rulebook& built_in = builtin_rulebook();
    const auto copy = std::make_unique<const Rulebook>(built_in);
    CHECK(copy->version.data() == built_in.version.data());
    REQUIRE(copy->fields.begin() == built_in.fields.begin());
    const Model& model = *std::find_if(built_in.models.begin(), built_in.models.end(),
                                       [](const Model& each) { return !each.immune.empty(); });
    const Model moved = model;
    CHECK(moved.name == model.name);
    CHECK(moved.immune.begin() == model.immune.begin());
    CHECK(moved.immune.front() == model.immune.front());
}

}  // namespace poolcpuid::test::rulebook_data_test
