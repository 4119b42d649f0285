// The oracle over pools of real hosts: every pair of one vendor, whole vendors, and random groups.

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/wrong_policies.hpp"

namespace poolcpuid::test::pairs_test {

namespace {

// A real host that can be in a pool by itself: of a known vendor, and 64-bit.
struct Member {
    const HostDump* dump;
    PoolState state;
    HostFacts facts;
};

struct VendorPool {
    Oracle oracle;
    Oracle asking;  // for policies that show whatever can be asked for
    std::vector<Member> members;
};

const std::vector<std::string> everything_asked = [] {
    std::set<std::string> names;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.exposure == Exposure::asked) names.insert(std::string(field.id));
    }
    return std::vector<std::string>(names.begin(), names.end());
}();

std::map<std::string, VendorPool>& vendor_pools() {
    static std::map<std::string, VendorPool> pools = [] {
        std::map<std::string, VendorPool> result;
        for (const HostDump& host : real_hosts()) {
            const std::string vendor = vendor_string(host.first_table()).value_or("");
            PoolState state(builtin_rulebook());
            try {
                state.add(host);
                static_cast<void>(state.finish({}));
            } catch (const NoPolicyError&) {
                continue;
            }
            auto at = result.find(vendor);
            if (at == result.end())
                at = result.emplace(vendor, VendorPool{Oracle(vendor), Oracle(vendor, {"all asked"}), {}}).first;
            HostFacts facts = at->second.oracle.facts(host);
            at->second.members.push_back({&host, std::move(state), std::move(facts)});
        }
        return result;
    }();
    return pools;
}

// Merges the members and asks the oracle; fails with its first complaints.
void judge(Oracle& oracle, const std::vector<const Member*>& members, const MergeOptions& options = {}) {
    PoolState state = members.front()->state;
    std::vector<const HostFacts*> facts;
    for (const Member* member : members) {
        if (member != members.front()) state.combine(member->state);
        facts.push_back(&member->facts);
    }
    const auto complaints = oracle.complaints(state.finish(options), facts);
    for (std::size_t i = 0; i < complaints.size() && i < 5; ++i) FAIL_CHECK(complaints[i]);
}

}  // namespace

TEST_CASE("a pool of one real host is true on it, and no weaker than it must be", "[corpus][oracle]") {
    std::size_t pools = 0;
    for (auto& [vendor, pool] : vendor_pools()) {
        for (const Member& member : pool.members) {
            if (is_in_part(pools)) judge(pool.oracle, {&member});
        }
    }
    CHECK(pools > 140);
}

TEST_CASE("the policy of every pair of real hosts is true on both, and no weaker than it must be", "[corpus][oracle]") {
    std::size_t pairs = 0;
    for (auto& [vendor, pool] : vendor_pools()) {
        for (std::size_t i = 0; i < pool.members.size(); ++i) {
            for (std::size_t j = i + 1; j < pool.members.size(); ++j) {
                if (is_in_part(pairs)) judge(pool.oracle, {&pool.members[i], &pool.members[j]});
            }
        }
    }
    CHECK(pairs > 5000);
}

TEST_CASE("random groups and whole vendors of real hosts get a true policy", "[corpus][oracle]") {
    std::mt19937 random(20261123);
    for (auto& [vendor, pool] : vendor_pools()) {
        std::vector<const Member*> all;
        for (const Member& member : pool.members) all.push_back(&member);
        judge(pool.oracle, all);
        for (std::size_t round = 0; round < 100 / law_divisor(); ++round) {
            std::shuffle(all.begin(), all.end(), random);
            const std::size_t size = 3 + random() % 6;
            judge(pool.oracle, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(size, all.size()))});
        }
    }
}

TEST_CASE("a policy that shows all that can be asked for is true, too", "[corpus][oracle]") {
    MergeOptions options;
    options.show = everything_asked;
    std::mt19937 random(4711);
    for (auto& [vendor_name, pool] : vendor_pools()) {
        const std::string& vendor = vendor_name;  // a lambda of clang 14 cannot capture the binding
        std::vector<const Member*> all;
        for (const Member& member : pool.members) {
            all.push_back(&member);
        }
        for (std::size_t round = 0; round < 200 / law_divisor(); ++round) {
            std::shuffle(all.begin(), all.end(), random);
            const std::size_t size = 1 + random() % 4;
            MergeOptions applicable = options;
            std::erase_if(applicable.show,
                          [&](const std::string& id) { return rules_for(vendor).find(id) == nullptr; });
            judge(pool.asking, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(size, all.size()))},
                  applicable);
        }
    }
}

TEST_CASE("the oracle notices every single bit that is wrong", "[corpus][oracle]") {
    std::size_t bits = 0;
    for (const auto& [first, second] :
         {std::pair("instlatx64/AuthenticAMD0A00F11", "instlatx64/AuthenticAMD0A10F11"),
          std::pair("instlatx64/GenuineIntel00406F1_BroadwellE_CPUID4", "instlatx64/GenuineIntel00C06F2"),
          std::pair("firecracker/fingerprint_AMD_MILAN_6.18", "firecracker/fingerprint_AMD_GENOA_6.18"),
          std::pair("firecracker/fingerprint_INTEL_CASCADELAKE_6.1host",
                    "firecracker/fingerprint_INTEL_ICELAKE_6.1host"),
          std::pair("firecracker/fingerprint_INTEL_ICELAKE_6.1host",
                    "firecracker/fingerprint_INTEL_ICELAKE_6.18host")}) {
        PoolState state(builtin_rulebook());
        state.add(real_host(first));
        state.add(real_host(second));
        PoolPolicy policy = state.finish({});
        Oracle oracle(policy.vendor);
        const HostFacts one = oracle.facts(real_host(first));
        const HostFacts two = oracle.facts(real_host(second));
        REQUIRE(oracle.complaints(policy, {&one, &two}).empty());
        const auto is_noticed = [&] { return !oracle.complaints(policy, {&one, &two}).empty(); };
        for (CpuidRow& row : policy.cpuid) {
            for (const Register reg : all_registers) {
                for (unsigned bit = 0; bit < 32; ++bit) {
                    if (!is_in_part(bits)) continue;
                    row.value[reg] ^= 1U << bit;
                    if (!is_noticed()) {
                        FAIL_CHECK(std::hex << row.key.leaf << "." << row.key.subleaf << " " << to_string(reg)
                                            << " bit " << std::dec << bit);
                    }
                    row.value[reg] ^= 1U << bit;
                }
            }
        }
        const std::vector<MsrRow> msrs = policy.msrs;
        for (const std::uint32_t index : feature_msrs(policy.vendor)) {
            for (unsigned bit = 0; bit < 64; ++bit) {
                if (!is_in_part(bits)) continue;
                policy.msrs = with_bit_flipped(msrs, index, bit);
                if (!is_noticed()) FAIL_CHECK("MSR " << std::hex << index << " bit " << std::dec << bit);
            }
        }
        for (std::size_t i = 0; i < msrs.size(); ++i) {
            policy.msrs = msrs;
            policy.msrs.erase(policy.msrs.begin() + static_cast<std::ptrdiff_t>(i));
            if (!is_noticed()) FAIL_CHECK("no row of MSR " << std::hex << msrs[i].index);
        }
    }
}

}  // namespace poolcpuid::test::pairs_test
