// The laws of DESIGN.md section 2 over generated hosts: order, grouping and repetition do not matter,
// more hosts never promise more, and the policy is true on each host. Some 12,000 hosts a run;
// POOLCPUID_SEED repeats or changes it.

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_generator.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/policy_order.hpp"

using namespace poolcpuid;
using namespace poolcpuid::test;

namespace {

PoolState state_of(const std::vector<HostDump>& hosts) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) state.add(host);
    return state;
}

// A policy as a host that gives exactly that.
HostDump as_host(const PoolPolicy& policy) {
    HostDump host;
    host.hypervisor = HypervisorView{"policy", {policy.cpuid, {}}, policy.msrs};
    return with_digest(std::move(host), "policy");
}

std::vector<std::string> losses(const std::vector<FloorLoss>& floor) {
    std::vector<std::string> texts;
    for (const FloorLoss& loss : floor) texts.push_back(loss.field + ": " + loss.promised + " became " + loss.result);
    return texts;
}

void check_empty(const std::vector<std::string>& complaints) {
    for (std::size_t i = 0; i < complaints.size() && i < 5; ++i) FAIL_CHECK(complaints[i]);
}

// Runs law over generated pools: the seed of each pool is captured, so that one can be repeated alone.
template <typename Law>
void over_pools(std::uint32_t salt, std::size_t pools, std::size_t hosts_a_pool, const Law& law) {
    for (std::size_t i = 0; i < pools / law_divisor(); ++i) {
        const auto seed = static_cast<std::uint32_t>(law_seed() + salt * 1000003U + i);
        CAPTURE(seed, i);
        HostGenerator generate(seed);
        const std::string vendor = generate.vendor();
        law(generate.pool(vendor, hosts_a_pool), vendor, seed);
    }
}

}  // namespace

TEST_CASE("the same hosts in any order give the same bytes", "[law]") {
    over_pools(1, 400, 5, [](const std::vector<HostDump>& hosts, const std::string&, std::uint32_t seed) {
        std::vector<HostDump> shuffled = hosts;
        std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(seed));
        const PoolState one = state_of(hosts);
        const PoolState other = state_of(shuffled);
        CHECK(one.same_promises(other));
        const PoolPolicy policy = one.finish({});
        CHECK((other.finish({}) == policy));
        if (seed % 8 == 0) CHECK(to_json(other.finish({})) == to_json(policy));
    });
}

TEST_CASE("partial results combine exactly, however they are grouped", "[law]") {
    over_pools(2, 300, 6, [](const std::vector<HostDump>& hosts, const std::string&, std::uint32_t seed) {
        HostGenerator choose(seed);
        std::vector<PoolState> parts;
        for (const HostDump& host : hosts) parts.push_back(state_of({host}));
        while (parts.size() > 1) {
            const std::size_t from = choose.below(static_cast<std::uint32_t>(parts.size()));
            const PoolState part = parts[from];
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(from));
            parts[choose.below(static_cast<std::uint32_t>(parts.size()))].combine(part);
        }
        const PoolState whole = state_of(hosts);
        CHECK(parts.front().same_promises(whole));
        CHECK((parts.front().finish({}) == whole.finish({})));
    });
}

TEST_CASE("a host that is given twice changes nothing", "[law]") {
    over_pools(3, 300, 3, [](const std::vector<HostDump>& hosts, const std::string&, std::uint32_t seed) {
        const PoolState once = state_of(hosts);
        const PoolPolicy policy = once.finish({});
        PoolState again = once;
        again.combine(once);
        for (const HostDump& host : hosts) again.add(host);
        CHECK((again.finish({}) == policy));

        HostDump twin = hosts[seed % hosts.size()];
        twin.name = "twin";
        again.add(twin);
        CHECK(again.same_promises(once));
        CHECK(again.finish({}).cpuid == policy.cpuid);

        twin.name = "twin-in-another-format";
        twin.sha256 = std::string(64, 'f');
        again.add(twin);
        CHECK(again.same_promises(once));
        CHECK(again.finish({}).cpuid == policy.cpuid);
    });
}

TEST_CASE("adding a host never strengthens a promise, and removing one never weakens one", "[law]") {
    over_pools(4, 400, 4, [](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t) {
        const PolicyOrder order(vendor);
        PoolState state(builtin_rulebook());
        std::optional<PoolPolicy> before;
        for (const HostDump& host : hosts) {
            state.add(host);
            PoolPolicy after = state.finish({});
            if (before) check_empty(order.above(after, *before));
            if (before && state.host_count() == hosts.size()) check_empty(losses(state.below_floor(after, *before)));
            before = std::move(after);
        }
    });
}

TEST_CASE("the policy is true on each host, and no weaker than it must be", "[law][oracle]") {
    over_pools(5, 1500, 3, [](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t) {
        Oracle oracle(vendor);
        std::vector<HostFacts> facts;
        std::vector<const HostFacts*> pointers;
        for (const HostDump& host : hosts) facts.push_back(oracle.facts(host));
        for (const HostFacts& host : facts) pointers.push_back(&host);
        check_empty(oracle.complaints(state_of(hosts).finish({}), pointers));
    });
}

TEST_CASE("a policy is its own policy: closing what is closed changes nothing", "[law]") {
    over_pools(6, 250, 3, [](const std::vector<HostDump>& hosts, const std::string&, std::uint32_t) {
        const PoolState state = state_of(hosts);
        const PoolPolicy policy = state.finish({});
        CHECK(state_of({as_host(policy)}).finish({}).cpuid == policy.cpuid);
        check_empty(losses(state.below_floor(policy, policy)));
        MergeOptions options;
        options.ceiling_policy = policy;
        CHECK(state.finish(options).cpuid == policy.cpuid);
    });
}

TEST_CASE("a ceiling lies above the policy, and the policy without it, too", "[law]") {
    over_pools(7, 200, 4, [](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t) {
        const PoolState pool = state_of({hosts[0], hosts[1]});
        MergeOptions options;
        options.ceiling_policy = state_of({hosts[2], hosts[3]}).finish({});
        const PoolPolicy limited = pool.finish(options);
        const PolicyOrder order(vendor);
        check_empty(order.above(limited, *options.ceiling_policy));
        check_empty(order.above(limited, pool.finish({})));
    });
}
