// What QEMU makes of AVX10 and AMX by itself: a version of AVX10 turns its features on and decides the highest subleaf
// (target/i386/cpu.c, builtin_avx10_defs, from 11.0 on), and leaf 1Eh is completed from the host's KVM.

#include <optional>
#include <string>
#include <vector>

#include "policy/document_text.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::qemu_avx10_test {

namespace {

constexpr std::uint32_t avx10 = 1U << 19U;     // leaf 7, subleaf 1, EDX
constexpr std::uint32_t amx_tile = 1U << 24U;  // leaf 7, EDX
constexpr std::uint32_t widths = 7U << 16U;    // leaf 24h, EBX: AVX10/128, /256 and /512
constexpr std::uint32_t vnni_int = 1U << 2U;   // leaf 24h, subleaf 1, ECX

// A policy of nothing but these leaves.
PoolPolicy policy_of(const Registers& leaf_24, std::uint32_t leaf_24_1_ecx, std::uint32_t leaf_1e_eax = 0) {
    PoolPolicy policy;
    policy.pool = "made";
    policy.vendor = "GenuineIntel";
    policy.cpuid = {{{0x0, 0}, {0x24, 0, 0, 0}},
                    {{0x1, 0}, {0x000A06D1, 0, 0, 0x07000051}},
                    {{0x7, 0}, {1, 0, 0, amx_tile}},
                    {{0x7, 1}, {0, 0, 0, avx10}},
                    {{0x1E, 0}, {leaf_1e_eax, 0x4010, 0, 0}},
                    {{0x24, 0}, leaf_24},
                    {{0x24, 1}, {0, 0, leaf_24_1_ecx, 0}},
                    {{0x80000000, 0}, {0x80000008, 0, 0, 0}},
                    {{0x80000001, 0}, {0, 0, 0, 1U << 29U}}};
    return policy;
}

Rendering rendered(const PoolPolicy& policy, const std::optional<VmmVersion>& release) {
    RenderOptions options;
    if (release) {
        options.qemu.emplace();
        options.qemu->version = *release;
    }
    return render_policy(builtin_rulebook(), policy, "qemu", options);
}

// What the guest sees instead of the policy's value; empty: that one.
std::string instead(const Rendering& rendering, const std::string& field) {
    for (const Inexpressible& entry : rendering.inexpressible) {
        if (entry.field == field) return document::value_word(entry.instead);
    }
    return "";
}

bool says(const Rendering& rendering, const std::string& property) {
    return ("," + rendering.output).find("," + property + ",") != std::string::npos;
}

const std::vector<std::optional<VmmVersion>> releases{VmmVersion{10, 2}, VmmVersion{11, 0}, std::nullopt};

}  // namespace

TEST_CASE("the highest subleaf of leaf 24h is what QEMU makes of the version of AVX10", "[render]") {
    const auto subleaf = [](std::uint32_t version, std::uint32_t highest, const std::optional<VmmVersion>& release) {
        return instead(rendered(policy_of({highest, widths | version, 0, 0}, version == 2 ? vnni_int : 0), release),
                       "avx10_sub");
    };
    for (const auto& release : releases) {
        CHECK(subleaf(1, 0, release).empty());
        CHECK(subleaf(1, 1, release) == "0x0");
    }
    CHECK(subleaf(2, 1, VmmVersion{10, 2}) == "0x0");
    CHECK(subleaf(2, 1, VmmVersion{11, 0}).empty());
    CHECK(subleaf(2, 0, VmmVersion{11, 1}) == "0x1");
    CHECK(subleaf(2, 1, std::nullopt) == "unknown");
}

TEST_CASE("what a version of AVX10 turns on is turned off where the policy has it not", "[render]") {
    const auto rendering = [](std::uint32_t ebx, std::uint32_t ecx, const std::optional<VmmVersion>& release) {
        return rendered(policy_of({0, ebx, 0, 0}, ecx), release);
    };
    for (const auto& release : {std::optional(VmmVersion{11, 0}), std::optional<VmmVersion>()}) {
        const Rendering lacks = rendering(widths | 2, 0, release);
        CHECK(says(lacks, "avx10-vnni-int=off"));
        CHECK(lacks.output.find("avx10-version=2") < lacks.output.find("avx10-vnni-int=off"));  // the last one counts
        CHECK(says(rendering((3U << 16U) | 1, 0, release), "avx10-512=off"));
        CHECK_FALSE(says(rendering(widths | 1, 0, release), "avx10-vnni-int=off"));
        const Rendering has = rendering(widths | 2, vnni_int, release);
        CHECK(says(has, "avx10-vnni-int=on"));
        CHECK_FALSE(says(has, "avx10-512=off"));
    }
    const Rendering old = rendering(widths | 2, 0, VmmVersion{10, 2});
    CHECK(old.output.find("avx10-vnni-int") == std::string::npos);
    CHECK_FALSE(says(rendering((3U << 16U) | 1, 0, VmmVersion{10, 2}), "avx10-512=off"));
}

TEST_CASE("the highest subleaf of leaf 1Eh is the host's from QEMU 11.0 on", "[render]") {
    const auto subleaf = [](std::uint32_t highest, const std::optional<VmmVersion>& release) {
        return instead(rendered(policy_of({0, widths | 1, 0, 0}, 0, highest), release), "tmul_sub");
    };
    CHECK(subleaf(1, VmmVersion{10, 2}) == "0x0");
    CHECK(subleaf(0, VmmVersion{10, 2}).empty());
    CHECK(subleaf(1, VmmVersion{11, 0}) == "unknown");
    CHECK(subleaf(0, std::nullopt) == "unknown");
}

}  // namespace poolcpuid::test::qemu_avx10_test
