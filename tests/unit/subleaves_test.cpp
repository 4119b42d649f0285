// Which leaves have subleaves: rendered for KVM, for Firecracker, and told to the vCPU of verify, the answer is one. A
// policy may be of a rulebook that knows leaves which this one does not.

#include <map>
#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "policy/subleaves.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/fake_kvm.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/unit/shown_policy.hpp"

namespace poolcpuid::test::subleaves_test {

namespace {

constexpr auto eax = Register::eax;

// Rows that no rulebook of today has: leaf 2Fh with two subleaves, 2Eh with one.
PoolPolicy policy_of_another_rulebook() {
    return policy_of(intel_table()
                         .reg(0x0, 0, eax, 0x2F)
                         .row(0x7, 1, {1U << 4U, 0, 0, 0})
                         .row(0x2E, 0, {1, 0, 0, 0})
                         .row(0x2F, 0, {1, 0, 0, 0})
                         .row(0x2F, 1, {2, 0, 0, 0}));
}

nlohmann::json rendered(const PoolPolicy& policy, const char* target) {
    return nlohmann::json::parse(render_policy(builtin_rulebook(), policy, target, {}).output);
}

// Whether an entry answers to one subleaf alone, by leaf.
using Flags = std::map<std::uint64_t, bool>;

Flags flags_of(const nlohmann::json& entries, const char* leaf) {
    Flags flags;
    for (const auto& entry : entries) {
        flags[from_hex(entry.at(leaf).get<std::string>(), 8).value()] = entry.at("flags") == 1;
    }
    return flags;
}

}  // namespace

TEST_CASE("a leaf of which the policy has two subleaves has them wherever it is told", "[render][verify]") {
    const PoolPolicy policy = policy_of_another_rulebook();
    FakeKvm kvm;
    verify_policy(builtin_rulebook(), policy, kvm.runner());
    Flags told;
    for (const VcpuEntry& entry : kvm.tasks().front().cpuid) told[entry.row.key.leaf] = entry.has_subleaves;
    CHECK(told.at(0x2F));
    CHECK(told.at(0x7));
    CHECK_FALSE(told.at(0x2E));
    CHECK(flags_of(rendered(policy, "kvm").at("cpuid"), "function") == told);
    // Firecracker's template has rows of zeros, too.
    for (const auto& [leaf, flag] : flags_of(rendered(policy, "firecracker").at("cpuid_modifiers"), "leaf")) {
        INFO(to_hex(leaf));
        CHECK(flag == has_subleaves(builtin_rulebook(), policy, static_cast<std::uint32_t>(leaf)));
        if (told.contains(leaf)) CHECK(flag == told.at(leaf));
    }
}

TEST_CASE("the last subleaf of a leaf is that of its last row", "[verify]") {
    const PoolPolicy policy = policy_of_another_rulebook();
    CHECK(last_subleaf(policy, 0x2F) == 1);
    CHECK(last_subleaf(policy, 0x2E) == 0);
    CHECK(last_subleaf(policy, 0x30) == 0);
    CHECK(last_subleaf({}, 0x0) == 0);
}

}  // namespace poolcpuid::test::subleaves_test
