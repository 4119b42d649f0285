// What goes from a policy with something else: edges of policy/dependencies.json that are more than one instruction set
// built on another.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::dependents_test {

namespace {

constexpr std::uint32_t granite_rapids = 0x000A06D1;

std::vector<std::string> without(std::vector<std::string> ids, const std::string& one) {
    std::erase(ids, one);
    return ids;
}

}  // namespace

// X cpu-policy.c: AVX10 "is merely a re-declaration of a combination of AVX512 features".
TEST_CASE("AVX10 goes with any part of AVX-512 that it announces, and with its own leaf", "[dependents]") {
    const std::vector<std::string> all{
        "avx",         "avx2",        "xsave",         "avx512f",          "avx512bw",     "avx512vl",
        "avx512dq",    "avx512cd",    "avx512ifma",    "avx512vbmi",       "avx512_vbmi2", "avx512_vnni",
        "avx512_bf16", "avx512_fp16", "avx512_bitalg", "avx512_vpopcntdq", "avx10",        "avx10_512"};
    const auto pool = [&](const std::string& missing, const MergeOptions& options = {}) {
        TableBuilder table = intel_table(granite_rapids).set(0, 0, eax, 0x24).row(0xD, 0, {0xE7, 0xA80, 0xA80, 0});
        table.row(0x24, 0, {0, missing == "version" ? 0U : 1U, 0, 0});
        return Merged({hardware_host("gnr", with(table, without(all, missing)))}, options);
    };
    CHECK(value_of(pool(""), "avx10") == 1);
    CHECK(value_of(pool(""), "avx10_version") == 1);
    std::vector<std::string> missing = all;
    missing.emplace_back("version");
    for (const std::string& one : missing) {
        CAPTURE(one);
        CHECK(value_of(pool(one), "avx10") == 0);
        CHECK(pool(one).reg(0x24, 0, ebx) == 0);
    }
    MergeOptions under_v3;
    under_v3.ceiling_level = "x86-64-v3";
    CHECK(value_of(pool("", under_v3), "avx10") == 0);
    CHECK((pool("", under_v3).reg(0xD, 0, eax) & 0xE0) == 0);  // nor the state of AVX-512
}

// ML 20210212003411.1102677-4-seanjc@google.com: KVM of before 5.12 turned INVPCID off with PCID, under VMX alone.
TEST_CASE("INVPCID goes with PCID where VMX runs the guest, and stays where SVM does", "[dependents]") {
    constexpr std::uint32_t vermeer = 0x00A20F12;
    const auto of = [](const TableBuilder& table, const std::vector<std::string>& bits) {
        return value_of(Merged({hardware_host("host", with(table, bits))}), "invpcid");
    };
    CHECK(of(intel_table(granite_rapids), {"pcid", "invpcid"}) == 1);
    CHECK(of(intel_table(granite_rapids), {"invpcid"}) == 0);
    CHECK(of(amd_table(vermeer), {"invpcid"}) == 1);
    MergeOptions hiding;
    hiding.hide = {"pcid"};
    const Merged pool({hardware_host("host", with(intel_table(granite_rapids), {"pcid", "invpcid"}))}, hiding);
    CHECK(value_of(pool, "invpcid") == 0);
}

TEST_CASE("what is behind a gate that --set brings back stays under the ceiling", "[dependents]") {
    TableBuilder table = with(intel_table(granite_rapids), {"xsave", "avx", "xgetbv1", "xsaves", "xfd", "amx_tile"});
    table.set(0, 0, eax, 0x1E).row(0xD, 0, {0x60007, 0x2B00, 0x2B00, 0});
    table.row(0x1D, 0, {1, 0, 0, 0}).row(0x1D, 1, {0x04002000, 0x00080040, 0x10, 0});
    table.row(0x1E, 0, {1, 0x4010, 0, 0}).row(0x1E, 1, {0x1F0, 0, 0, 0});
    const Merged free({hardware_host("dmr", table)});
    CHECK(value_of(free, "amx_tf32") == 1);
    MergeOptions options;
    options.ceiling_level = "libvirt:Skylake-Server-IBRS";
    options.set = {{"amx_tile", "1"}, {"xfd", "1"}, {"xsaves", "1"}};
    const Merged pool({hardware_host("dmr", table)}, options);
    CHECK(value_of(pool, "amx_tile") == 1);
    CHECK(value_of(pool, "amx_tf32") == 0);
}

TEST_CASE("tiles go without a palette, and what multiplies them without the multiplier's shape", "[dependents]") {
    const std::vector<std::string> multiply{"amx_bf16", "amx_int8", "amx_fp16", "amx_complex", "amx_fp8", "amx_tf32"};
    const auto pool = [&](std::uint32_t palette, std::uint32_t shape) {
        TableBuilder table =
            with(intel_table(granite_rapids), {"xsave", "avx", "xgetbv1", "xsaves", "xfd", "amx_tile"});
        table.set(0, 0, eax, 0x1E).row(0xD, 0, {0x60007, 0x2B00, 0x2B00, 0});
        table.row(0x1D, 0, {palette, 0, 0, 0}).row(0x1D, 1, {0x04002000, 0x00080040, 0x10, 0});
        table.row(0x1E, 0, {1, shape, 0, 0});
        return Merged({hardware_host("dmr", with(table, multiply))});
    };
    CHECK(value_of(pool(1, 0x4010), "amx_tile") == 1);
    CHECK(value_of(pool(1, 0), "amx_tile") == 1);
    CHECK(value_of(pool(0, 0x4010), "amx_tile") == 0);
    for (const std::string& one : multiply) {
        CAPTURE(one);
        CHECK(value_of(pool(1, 0x4010), one) == 1);
        CHECK(value_of(pool(1, 0), one) == 0);
        CHECK(value_of(pool(0, 0x4010), one) == 0);
    }
}

}  // namespace poolcpuid::test::dependents_test
