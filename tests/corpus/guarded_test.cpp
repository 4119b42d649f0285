// The bits that ask a guest to run VERW, in pools of real hosts. The values in the comments are those of the dumps.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::guarded_test {

namespace {

struct Row {
    const char* field;
    std::vector<std::string> hosts;
    std::uint64_t bit;
    Names lost = {};  // hosts in the finding that VERW is not known to scrub there
    Names unknown = {};
};

Merged pool_of(const std::vector<std::string>& names) {
    std::vector<HostDump> hosts;
    for (const std::string& name : names) hosts.push_back(real_host(name));
    return Merged(hosts);
}

void check_row(const Row& row) {
    CAPTURE(row.field, row.hosts);
    const Merged pool = pool_of(row.hosts);
    CHECK(value_of(pool, row.field) == row.bit);
    CHECK(unknown_on(pool, row.field) == row.unknown);
    const Finding* lost = pool.finding("verw-promise-lost", row.field);
    CHECK((lost == nullptr ? Names{} : lost->hosts.names) == row.lost);
}

const std::string atom = "libvirt/x86_64-cpuid-Atom-D510";
const std::string haswell = "instlatx64/GenuineIntel00306F2_HaswellEP_04_CPUID";
const std::string haswell_old_microcode = "instlatx64/GenuineIntel00306F2_HaswellEP_CPUID";
const std::string skylake_old_microcode = "libvirt/x86_64-cpuid-Xeon-Gold-6148";
const std::string cascade_lake = "firecracker/fingerprint_INTEL_CASCADELAKE_6.1host";
const std::string cascade_lake_old_microcode = "libvirt/x86_64-cpuid-Xeon-Platinum-8268";
const std::string cascade_lake_without_msrs = "instlatx64/GenuineIntel0050657_CascadeLakeXeon_CPUID";
const std::string ice_lake = "firecracker/fingerprint_INTEL_ICELAKE_6.1host";
const std::string ice_lake_old_microcode = "instlatx64/GenuineIntel00606A6_ICX_CPUID3";
const std::string alder_lake = "instlatx64/GenuineIntel0090672_AlderLake_01_LC_BC_CPUID";
const std::string raptor_lake = "instlatx64/GenuineIntel00B0671_RaptorLake_14_CPUID";
const std::string emerald_rapids = "instlatx64/GenuineIntel00C06F2_EmeraldRapids_03_CPUID";
const std::string granite_rapids = "instlatx64/GenuineIntel00A06D1_GraniteRapids_03_CPUID";
const std::string rome = "instlatx64/AuthenticAMD0830F10_K17_Rome_CPUID";
const std::string milan_raw = "instlatx64/AuthenticAMD0A00F11_K19_Milan_02_CPUID";
const std::string genoa_raw = "instlatx64/AuthenticAMD0A10F11_K19_Genoa_02_CPUID";
const std::string turin = "instlatx64/AuthenticAMD0B00F21_K20_Turin_01_CPUID";
const std::string milan = "firecracker/fingerprint_AMD_MILAN_6.18host";
const std::string genoa = "firecracker/fingerprint_AMD_GENOA_6.18host";

}  // namespace

TEST_CASE("MD_CLEAR in real pools", "[corpus][guarded]") {
    // Leaf 7 EDX, and MSR 10Ah.
    const std::vector<Row> rows{
        {"md_clear", {haswell, cascade_lake}, 1},                                         // 9C000400, AC000400
        {"md_clear", {haswell, atom}, 1},                                                 // 0; no speculation
        {"md_clear", {haswell, haswell_old_microcode}, 1, {haswell_old_microcode}},       // 0
        {"md_clear", {cascade_lake, skylake_old_microcode}, 1, {skylake_old_microcode}},  // 0
        {"md_clear", {haswell_old_microcode, skylake_old_microcode}, 0},
        {"md_clear", {haswell_old_microcode, atom}, 0},
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("FB_CLEAR in real pools", "[corpus][guarded]") {
    const std::vector<Row> rows{
        {"ac_fb_clear", {cascade_lake, ice_lake}, 1},        // C0AA0EB, C02A0EB
        {"ac_fb_clear", {cascade_lake, emerald_rapids}, 1},  // 6C28FDEB: all NO bits
        {"ac_fb_clear", {cascade_lake, alder_lake}, 1},      // D6B: by its model
        {"ac_fb_clear", {cascade_lake, atom}, 1},            // by its model
        {"ac_fb_clear", {cascade_lake, cascade_lake_old_microcode}, 1, {cascade_lake_old_microcode}},  // 2B
        {"ac_fb_clear", {ice_lake, ice_lake_old_microcode}, 1, {ice_lake_old_microcode}},              // 1EB
        {"ac_fb_clear", {ice_lake, haswell}, 1},  // 9C000400 of leaf 7 says it alike
        {"ac_fb_clear", {haswell, cascade_lake_old_microcode}, 0, {cascade_lake_old_microcode}},  // likewise, and 2B
        {"ac_fb_clear", {ice_lake, haswell_old_microcode}, 1, {haswell_old_microcode}},           // 0
        {"ac_fb_clear", {cascade_lake_old_microcode, ice_lake_old_microcode}, 0},
        {"ac_fb_clear", {emerald_rapids, granite_rapids}, 0},  // 6C28FDEB, 2DA9FDEB
        {"ac_fb_clear", {cascade_lake_without_msrs}, 1, {}, {cascade_lake_without_msrs}},
        {"ac_fb_clear", {cascade_lake_without_msrs, cascade_lake}, 1, {}, {cascade_lake_without_msrs}},
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("RFDS_CLEAR in real pools", "[corpus][guarded]") {
    const std::vector<Row> rows{
        {"ac_rfds_clear", {alder_lake, raptor_lake}, 0},     // D6B: affected; CC8FD6B: RFDS_NO
        {"ac_rfds_clear", {alder_lake, granite_rapids}, 0},  // 2DA9FDEB: RFDS_NO
        {"ac_rfds_clear", {cascade_lake_without_msrs}, 0},   // immune by its model
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("VERW_CLEAR in real pools", "[corpus][guarded]") {
    // 80000021h EAX[5].
    const std::vector<Row> rows{
        {"verw_clear", {milan, genoa}, 1},           // 18000265, 18000367
        {"verw_clear", {genoa, rome}, 1},            // no such leaf; immune
        {"verw_clear", {genoa, turin}, 1, {turin}},  // D93FFFCF; of a microcode that does not say that it is immune
        {"verw_clear", {genoa, genoa_raw}, 1, {genoa_raw}},  // 00062FCF, and no microcode is known
        {"verw_clear", {milan, milan_raw}, 1, {milan_raw}},  // 0000204D
        {"verw_clear", {milan_raw, genoa_raw}, 0},
        {"verw_clear", {rome, turin}, 0},
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("Milan and Genoa as Linux 6.18 shows them are not immune to TSA", "[corpus][guarded]") {
    for (const auto& hosts : {std::vector{milan}, std::vector{genoa}, std::vector{milan, genoa}}) {
        CAPTURE(hosts);
        const Merged pool = pool_of(hosts);
        CHECK((pool.reg(0x80000021, 0, ecx) & 0x6) == 0);  // 6
        CHECK(pool.bit(0x80000021, 0, eax, 5) == 1);       // 18000265, 18000367
        CHECK(pool.finding("verw-promise-lost") == nullptr);
        REQUIRE(pool.decision("tsa_sq_no") != nullptr);
        CHECK(pool.decision("tsa_sq_no")->value == 0x0);
        CHECK(pool.decision("tsa_l1_no") != nullptr);
    }
}

TEST_CASE("a raw Milan scrubs from a microcode on", "[corpus][guarded]") {
    for (const char* revision : {"0xa0011d6", "0xa0011d7", "0xa0011de"}) {
        CAPTURE(revision);
        const bool scrubs = std::string(revision) != "0xa0011d6";
        const HostDump raw = with_microcode(real_host(milan_raw), revision);
        CHECK(value_of(Merged({raw}), "verw_clear") == (scrubs ? 1U : 0U));
        const Merged pool({raw, real_host(milan)});
        const Finding* lost = pool.finding("verw-promise-lost", "verw_clear");
        CHECK((lost == nullptr ? Names{} : lost->hosts.names) == (scrubs ? Names{} : Names{milan_raw}));
    }
}

// The return thunk has a form for family 19h; Zen 5 needs none (SRSO_USER_KERNEL_NO), and takes any.
TEST_CASE("a pool of Milan, Genoa and Turin has a safe identity, which is the oldest", "[corpus][identity]") {
    for (const std::vector<std::string>& hosts :
         std::vector<std::vector<std::string>>{{milan, turin}, {turin, genoa}}) {
        CAPTURE(hosts);
        const Merged pool = pool_of(hosts);
        CHECK(pool.finding("no-safe-identity") == nullptr);
        const std::uint32_t family = pool.reg(1, 0, Register::eax) >> 20U & 0xFFU;
        CHECK(family + 0xF == 0x19);
    }
    for (const std::string& newer : {turin, genoa}) {
        CAPTURE(newer);
        CHECK(pool_of({rome, newer}).finding("no-safe-identity") != nullptr);  // of TSA at least
    }
    const Merged mixed = pool_of({rome, milan});
    REQUIRE(mixed.finding("no-safe-identity") != nullptr);
    CHECK_THAT(mixed.finding("no-safe-identity")->message, Catch::Contains("retbleed=force,ibpb"));
}

}  // namespace poolcpuid::test::guarded_test
