// What guests of QEMU see whatever is said (targets/qemu.json, "fixed"), where it promises something.

#include <algorithm>
#include <string>

#include "policy/document_text.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::qemu_fixed_test {

namespace {

constexpr std::uint32_t osvw = 1U << 9;  // leaf 80000001h, ECX

// What a guest sees instead of the policy's value of a field: "" where it sees that.
std::string instead(const PoolPolicy& policy, const std::string& field, QemuAccelerator accelerator) {
    RenderOptions options;
    options.accelerator = accelerator;
    const Rendering rendering = render_policy(builtin_rulebook(), policy, "qemu", options);
    const auto at = std::find_if(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                                 [&](const Inexpressible& entry) { return entry.field == field; });
    return at == rendering.inexpressible.end() ? "" : document::value_word(at->instead);
}

}  // namespace

// svm_init_osvw in arch/x86/kvm/svm/svm.c.
TEST_CASE("AMD's table of errata is what KVM makes of the host's", "[render][qemu]") {
    PoolPolicy policy;
    policy.vendor = "AuthenticAMD";
    policy.cpuid = {{{0x1, 0}, {0x00100F42, 0, 0, 0}}, {{0x80000001, 0}, {0, 0, osvw, 0}}};
    policy.msrs = {{0xC0010140, 4}, {0xC0010141, 1}};
    CHECK(instead(policy, "osvw_len", QemuAccelerator::kvm) == "unknown");
    CHECK(instead(policy, "osvw_status", QemuAccelerator::kvm) == "unknown");
    CHECK(instead(policy, "osvw_len", QemuAccelerator::tcg) == "0x0");
    policy.cpuid.back().value.ecx = 0;
    policy.msrs.clear();
    CHECK(instead(policy, "osvw_len", QemuAccelerator::kvm).empty());
}

TEST_CASE("the emulation fills two registers of leaf 1Ch with what was there before", "[render][qemu]") {
    PoolPolicy policy;
    policy.vendor = "GenuineIntel";
    policy.cpuid = {{{0x0, 0}, {0x1C, 0, 0, 0}}, {{0x1, 0}, {0x000806F8, 0, 0, 0}}, {{0x1C, 0}, {1, 0, 1, 0}}};
    for (const char* field : {"lbr_depths", "lbr_info"}) {
        CAPTURE(field);
        CHECK(instead(policy, field, QemuAccelerator::tcg) == "unknown");
    }
}

}  // namespace poolcpuid::test::qemu_fixed_test
