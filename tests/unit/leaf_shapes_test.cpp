// The one table of the leaves that have subleaves.

#include "dump/leaf_shapes.hpp"

#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::leaf_shapes_test {

using dump::announced_subleaves;
using dump::has_subleaves;
using dump::shape_of;

namespace {

using Numbers = std::vector<std::uint32_t>;

// The rulebook hides all that may stand there; no dump of this leaf has a second subleaf.
constexpr std::uint32_t workload_classes = 0x80000027;

}  // namespace

TEST_CASE("every leaf of which the rulebook has subleaves stands in the table", "[leaf_shapes]") {
    for (const Field& field : builtin_rulebook().fields) {
        if (field.is_msr || field.subleaf_last == 0 || field.leaf == workload_classes) continue;
        CAPTURE(field.id, field.leaf);
        CHECK(has_subleaves(field.leaf));
    }
}

TEST_CASE("leaves without subleaves have no shape", "[leaf_shapes]") {
    for (const std::uint32_t leaf : {0x0U, 0x1U, 0x2U, 0x6U, 0xAU, 0x15U, 0x1AU, 0x21U, 0x80000000U, 0x80000008U,
                                     0x8000001EU, 0x80000021U, 0xFFFFFFFFU}) {
        CAPTURE(leaf);
        CHECK(shape_of(leaf) == nullptr);
    }
}

TEST_CASE("AMX counts its subleaves in leaf 1Eh as leaf 7 does", "[leaf_shapes]") {
    for (const std::uint32_t leaf : {0x7U, 0x1EU}) {
        CHECK(announced_subleaves(*shape_of(leaf), {0, ~0U, ~0U, ~0U}).subleaves.empty());
        CHECK(announced_subleaves(*shape_of(leaf), {2, 0, 0, 0}).subleaves == Numbers{1, 2});
    }
}

TEST_CASE("a count that no leaf has is cut", "[leaf_shapes]") {
    CHECK_FALSE(announced_subleaves(*shape_of(0x7), {63, 0, 0, 0}).cut);
    const auto damaged = announced_subleaves(*shape_of(0x7), {64, 0, 0, 0});
    CHECK(damaged.cut);
    CHECK(damaged.subleaves.size() == 63);
}

TEST_CASE("a bitmap announces the subleaves of its bits, never subleaf 0 again", "[leaf_shapes]") {
    CHECK(announced_subleaves(*shape_of(0xF), {~0U, ~0U, ~0U, 0x80000003}).subleaves == Numbers{1, 31});
    CHECK(announced_subleaves(*shape_of(0x10), {~0U, 0xE, ~0U, ~0U}).subleaves == Numbers{1, 2, 3});
    CHECK(announced_subleaves(*shape_of(0x23), {0xB, ~0U, ~0U, ~0U}).subleaves == Numbers{1, 3});
}

TEST_CASE("AMD's range reservation and cache injection have no subleaf of leaf 80000020h", "[leaf_shapes]") {
    // Turin: EBX is 7Eh, and subleaves 1, 2, 3 and 5 have content.
    CHECK(announced_subleaves(*shape_of(0x80000020), {0, 0x7E, 0, 0}).subleaves == Numbers{1, 2, 3, 5});
}

TEST_CASE("a list ends at the first row without a type, SGX's not before subleaf 2", "[leaf_shapes]") {
    CHECK(shape_of(0x4)->ends_at(0, {0xFFFFFFE0, 1, 1, 1}));
    CHECK_FALSE(shape_of(0x4)->ends_at(4, {1, 0, 0, 0}));
    CHECK(shape_of(0xB)->ends_at(2, {0, 0, 2, 7}));
    CHECK_FALSE(shape_of(0x12)->ends_at(1, {0, 0, 0, 0}));
    CHECK(shape_of(0x12)->ends_at(2, {0, 0, 0, 0}));
}

TEST_CASE("state components are those of XCR0 and of IA32_XSS, in 64 bits", "[leaf_shapes]") {
    CHECK(dump::announced_components({0x207, 0xFFFF, 0xFFFF, 0x40000000}, {0xF, 0xFFFF, 0x1800, 0x1}) ==
          0x4000000100001A07);
}

}  // namespace poolcpuid::test::leaf_shapes_test
