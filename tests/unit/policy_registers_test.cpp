// What a guest with a policy reads, as a user of the library asks for it.

#include "poolcpuid/policy_registers.hpp"

#include <string_view>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::policy_registers_test {

namespace {

const Field& field(std::string_view id) {
    const Rulebook& rulebook = builtin_rulebook();
    REQUIRE(rulebook.find(id) != no_field);
    return rulebook[rulebook.find(id)];
}

}  // namespace

TEST_CASE("a policy's registers answer by row, by MSR, by place and by field", "[policy]") {
    PoolPolicy policy;
    policy.cpuid = {{{0x7, 0}, {0, 0x20, 0, 0}}, {{0xD, 2}, {0x100, 0x240, 0, 0}}, {{0xD, 9}, {0x8, 0xA80, 0, 0}}};
    policy.msrs = {{0x10A, 0xC000'0000'0000'0001}};
    const PolicyRegisters guest(policy);
    CHECK(guest.value(field("avx2")) == 1);
    CHECK(guest.value(field("bmi2")) == 0);
    CHECK(guest.value(field("xs_offset"), 9) == 0xA80);
    CHECK(guest.value(field("xs_offset")) == 0x240);  // its first subleaf
    CHECK(guest.value(field("xs_offset"), 5) == 0);   // no row
    REQUIRE(guest.row({0xD, 9}) != nullptr);
    CHECK(guest.row({0xD, 9})->eax == 8);
    CHECK(guest.row({0xD, 8}) == nullptr);
    CHECK(guest.msr(0x10A) == 0xC000'0000'0000'0001);
    CHECK_FALSE(guest.msr(0x10B));
    CHECK(guest.value(BitPlace{true, 0x10A, 0, 0, Register::eax, 62, 63}) == 3);
    CHECK(guest.value(BitPlace{true, 0x10A, 0, 0, Register::eax, 0, 63}) == 0xC000'0000'0000'0001);
}

TEST_CASE("bits are owned where one place of the policy has all of them, in all their subleaves", "[policy]") {
    PoolPolicy policy;
    policy.owned = {{false, 0xB, 0, 0x1F, Register::edx, 0, 31}, {false, 0x1, 0, 0, Register::ebx, 24, 31}};
    const PolicyRegisters guest(policy);
    CHECK(guest.is_owned({false, 0xB, 3, 5, Register::edx, 4, 7}));
    CHECK(guest.is_owned({false, 0x1, 0, 0, Register::ebx, 24, 31}));
    CHECK_FALSE(guest.is_owned({false, 0x1, 0, 0, Register::ebx, 16, 31}));
    CHECK_FALSE(guest.is_owned({false, 0xB, 3, 0x20, Register::edx, 4, 7}));
    CHECK_FALSE(guest.is_owned({false, 0xB, 3, 5, Register::ecx, 4, 7}));
}

}  // namespace poolcpuid::test::policy_registers_test
