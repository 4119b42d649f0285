// Policies that no pool has and anybody can write: maxima of any size, and rows and owned bits in any number. They are
// rendered and verified in the time that it takes to read them.
#include <cstdint>
#include <string>

#include "poolcpuid/render.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/unit/shown_policy.hpp"

namespace poolcpuid::test::absurd_policy_test {

namespace {

constexpr auto eax = Register::eax;
constexpr std::uint32_t no_end = 0xFFFFFFFF;

std::string output_of(const PoolPolicy& policy, RenderTarget target) {
    RenderOptions options;
    if (target == RenderTarget::xen) options.xen_form = XenForm::xend;
    return render_policy(builtin_rulebook(), policy, target, options).output;
}

// As many rows as owned bits, each in a leaf of its own that no rulebook knows, or all subleaves of one leaf.
PoolPolicy crowded_policy(bool one_leaf) {
    constexpr std::uint32_t count = 60000;
    TableBuilder table = intel_table();
    PoolPolicy policy;
    for (std::uint32_t i = 0; i < count; ++i) {
        const LeafKey key{0x20000000 + (one_leaf ? 0 : i), one_leaf ? i : 0};
        table.row(key.leaf, key.subleaf, {1, 0, 0, 0});
        policy.owned.push_back({false, key.leaf, key.subleaf, key.subleaf, eax, 1, 1});
    }
    PoolPolicy shown = policy_of(table);
    shown.owned = std::move(policy.owned);
    return shown;
}

}  // namespace

TEST_CASE("a maximum leaf or subleaf without end is not followed to its end", "[render][absurd]") {
    for (const std::uint32_t leaf : {0x0U, 0x7U, 0x80000000U}) {
        CAPTURE(leaf);
        const PoolPolicy policy = policy_of(intel_table().reg(leaf, 0, eax, no_end));
        for (const RenderTarget target : {RenderTarget::firecracker, RenderTarget::kvm, RenderTarget::libvirt,
                                          RenderTarget::qemu, RenderTarget::xapi, RenderTarget::xen}) {
            CHECK(output_of(policy, target).size() < std::size_t{1} << 20U);
        }
    }
    const PoolPolicy zhaoxin = policy_of(base_table("  Shanghai  ", 0x000307B0).row(0xC0000000, 0, {no_end, 0, 0, 0}));
    CHECK(output_of(zhaoxin, RenderTarget::xen).size() < std::size_t{1} << 20U);
}

TEST_CASE("rows and owned bits in any number take linear time", "[render][verify][absurd]") {
    for (const bool one_leaf : {false, true}) {
        CAPTURE(one_leaf);
        const PoolPolicy policy = crowded_policy(one_leaf);
        CHECK_FALSE(output_of(policy, RenderTarget::firecracker).empty());
        CHECK_FALSE(output_of(policy, RenderTarget::xen).empty());
        std::size_t asked = 0;
        const VcpuRunner refusing = [&](const VcpuTask& task) {
            asked = task.cpuid.size();
            VcpuAnswer answer;
            answer.refusal = "Too many.";
            answer.entry_refusals.resize(task.cpuid.size());
            return answer;
        };
        CHECK_FALSE(verify_policy(builtin_rulebook(), policy, refusing).shows_policy());
        CHECK(asked == policy.cpuid.size());
    }
}

}  // namespace poolcpuid::test::absurd_policy_test
