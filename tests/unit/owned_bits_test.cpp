// Which bits of a register a policy leaves to the VMM.
#include "promises/owned_bits.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace poolcpuid::test::owned_bits_test {

using promises::OwnedBits;
using promises::RegisterPlace;

namespace {

constexpr auto eax = Register::eax;
constexpr auto ebx = Register::ebx;
constexpr std::uint32_t last_subleaf = 0xFFFFFFFF;

}  // namespace

TEST_CASE("bits are owned in their register and their subleaves only", "[owned]") {
    const OwnedBits owned(
        {{false, 0x1, 0, 0, ebx, 24, 31}, {false, 0xD, 2, 5, eax, 0, 0}, {true, 0xCE, 0, 0, eax, 31, 31}});
    CHECK(owned.of({false, {0x1, 0}, ebx}) == 0xFF000000);
    CHECK(owned.of({false, {0x1, 0}, eax}) == 0);
    CHECK(owned.of({false, {0x1, 1}, ebx}) == 0);
    CHECK(owned.of({false, {0x2, 0}, ebx}) == 0);
    CHECK(owned.of({true, {0x1, 0}, ebx}) == 0);
    for (std::uint32_t subleaf = 0; subleaf < 8; ++subleaf) {
        CAPTURE(subleaf);
        CHECK(owned.of({false, {0xD, subleaf}, eax}) == (subleaf >= 2 && subleaf <= 5 ? 1 : 0));
    }
    CHECK(owned.of({true, {0xCE, 0}, eax}) == 1U << 31U);
    CHECK(OwnedBits({}).of({false, {0, 0}, eax}) == 0);
}

TEST_CASE("places that overlap own what any of them owns", "[owned]") {
    const OwnedBits owned({{false, 0x4, 0, last_subleaf, eax, 4, 7},
                           {false, 0x4, 1, 2, eax, 0, 5},
                           {false, 0x4, 1, 1, eax, 0, 5},
                           {false, 0x4, 2, last_subleaf, eax, 31, 31}});
    CHECK(owned.of({false, {0x4, 0}, eax}) == 0xF0);
    CHECK(owned.of({false, {0x4, 1}, eax}) == 0xFF);
    CHECK(owned.of({false, {0x4, 2}, eax}) == 0x800000FF);
    CHECK(owned.of({false, {0x4, 3}, eax}) == 0x800000F0);
    CHECK(owned.of({false, {0x4, last_subleaf}, eax}) == 0x800000F0);
}

TEST_CASE("all 64 bits of an MSR can be owned", "[owned]") {
    const OwnedBits owned({{true, 0x48, 0, 0, eax, 0, 63}});
    CHECK(owned.of({true, {0x48, 0}, eax}) == ~std::uint64_t{0});
}

}  // namespace poolcpuid::test::owned_bits_test
