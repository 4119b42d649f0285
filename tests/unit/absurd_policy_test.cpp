// Policies that no pool has and anybody can write: maxima of any size, and rows and owned bits in any number. They are
// rendered and verified in the time that it takes to read them.
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>

#include "poolcpuid/render.hpp"
#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"
#include "tests/unit/shown_policy.hpp"

namespace poolcpuid::test::absurd_policy_test {

namespace {

constexpr auto eax = Register::eax;
constexpr std::uint32_t no_end = 0xFFFFFFFF;

// Of this process, however many others there are.
template <typename Work>
double seconds_of(const Work& work) {
    double best = std::numeric_limits<double>::max();  // of three, since other programs run beside
    for (int i = 0; i < 3; ++i) {
        const std::clock_t start = std::clock();
        work();
        best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
    return best;
}

std::string output_of(const PoolPolicy& policy, std::string_view target) {
    RenderOptions options;
    if (target == "xen") options.xen_form = XenForm::xend;
    return render_policy(builtin_rulebook(), policy, target, options).output;
}

// As many rows as owned bits, each in a leaf of its own that no rulebook knows, or all subleaves of one leaf.
PoolPolicy crowded_policy(std::uint32_t count, bool one_leaf) {
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
        for (const auto& [target, what, through] : render_targets()) {
            CHECK(output_of(policy, target).size() < std::size_t{1} << 20U);
        }
    }
    const PoolPolicy zhaoxin = policy_of(base_table("  Shanghai  ", 0x000307B0).row(0xC0000000, 0, {no_end, 0, 0, 0}));
    CHECK(output_of(zhaoxin, "xen").size() < std::size_t{1} << 20U);
}

TEST_CASE("rows and owned bits in any number are rendered and verified in linear time",
          "[render][verify][absurd][long]") {
    // A vCPU that takes every second entry, and shows what it is told to.
    const VcpuRunner half = [](const VcpuTask& task) {
        VcpuAnswer answer;
        if (task.cpuid.size() > task.execute.size() / 2) {
            answer.refusal = "Too many.";
            for (std::size_t i = 0; i < task.cpuid.size(); ++i)
                answer.entry_refusals.push_back(i % 2 == 0 ? "" : "No.");
        }
        answer.cpuid.resize(task.execute.size());
        answer.msrs.resize(task.rdmsr.size());
        answer.msr_refusals.resize(task.msrs.size());
        return answer;
    };
    for (const bool one_leaf : {false, true}) {
        CAPTURE(one_leaf);
        const PoolPolicy few = crowded_policy(8000, one_leaf);
        const PoolPolicy many = crowded_policy(32000, one_leaf);
        // Four times the rows take some five times as long; in quadratic time it was twelve to sixteen times.
        const auto check_growth = [&](const auto& work) {
            const double before = seconds_of([&] { work(few); });
            CHECK(seconds_of([&] { work(many); }) < 9 * before);
        };
        for (const char* target : {"libvirt", "qemu", "xen"}) {
            CAPTURE(target);
            check_growth([&](const PoolPolicy& policy) { CHECK_FALSE(output_of(policy, target).empty()); });
        }
        check_growth([&](const PoolPolicy& policy) {
            CHECK_FALSE(verify_policy(builtin_rulebook(), policy, half).refused.empty());
        });
    }
}

}  // namespace poolcpuid::test::absurd_policy_test
