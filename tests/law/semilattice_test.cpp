// The laws of docs/design.md over generated hosts: order, grouping and repetition do not matter,
// more hosts never promise more, and the policy is true on each host. Some 12,000 hosts a run;
// POOLCPUID_SEED repeats or changes it.

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/floor.hpp"
#include "poolcpuid/guest_features.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_generator.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/oracle.hpp"
#include "tests/support/policy_order.hpp"
#include "tests/support/wrong_policies.hpp"

namespace poolcpuid::test::semilattice_test {

namespace {

PoolState state_of(const std::vector<HostDump>& hosts) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) state.add(host);
    return state;
}

bool same_registers(const PoolPolicy& a, const PoolPolicy& b) { return a.cpuid == b.cpuid && a.msrs == b.msrs; }

// A policy as a host that gives exactly that: an MSR without a row is one that says nothing, not one that is missing.
HostDump as_host(const PoolPolicy& policy) {
    std::map<std::uint32_t, std::optional<std::uint64_t>> msrs;
    for (const RuleField& field : rules_for(policy.vendor).fields) {
        if (field.is_msr) msrs[field.leaf] = 0;
    }
    for (const MsrRow& row : policy.msrs) msrs[row.index] = row.value;
    std::vector<MsrRow> rows;
    for (const auto& [index, value] : msrs) rows.push_back({index, value});
    HostDump host;
    host.hypervisor = HypervisorView{"policy", {policy.cpuid, {}}, rows};
    const std::uint64_t revision = msrs[0x8B].value_or(0);
    if (revision != 0) host.meta["microcode"] = hex(revision >> 32 != 0 ? revision >> 32 : revision);
    return with_digest(std::move(host), "policy");
}

std::vector<std::string> losses(const std::vector<FloorLoss>& floor) {
    std::vector<std::string> texts;
    for (const FloorLoss& loss : floor) texts.push_back(loss.field + ": " + loss.promised + " became " + loss.result);
    return texts;
}

// Every other pool is asked to show whatever can be asked for, or hardly any field of VMX would be seen.
struct Asked {
    Asked(const std::string& vendor, std::uint32_t seed) {
        if (seed % 2 == 0) return;
        shown = {"all asked"};
        for (const RuleField& field : rules_for(vendor).fields) {
            if (field.exposure == "asked") options.show.push_back(field.id);
        }
    }

    MergeOptions options;
    std::set<std::string> shown;  // in the words of the oracle
};

// The oracle with the facts of a pool's hosts.
class Judge {
public:
    Judge(const std::vector<HostDump>& hosts, const std::string& vendor, const std::set<std::string>& shown)
        : oracle_(vendor, shown) {
        for (const HostDump& host : hosts) facts_.push_back(oracle_.facts(host));
        for (const HostFacts& host : facts_) pointers_.push_back(&host);
    }

    std::vector<std::string> complaints(const PoolPolicy& policy) { return oracle_.complaints(policy, pointers_); }

private:
    Oracle oracle_;
    std::vector<HostFacts> facts_;
    std::vector<const HostFacts*> pointers_;
};

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
        Random choose(seed);
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
        CHECK(same_registers(again.finish({}), policy));

        twin.name = "twin-in-another-format";
        twin.sha256 = std::string(64, 'f');
        again.add(twin);
        CHECK(again.same_promises(once));
        CHECK(same_registers(again.finish({}), policy));
    });
}

TEST_CASE("adding a host never strengthens a promise, and removing one never weakens one", "[law]") {
    over_pools(4, 400, 4, [](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t seed) {
        const Asked asked(vendor, seed);
        const PolicyOrder order(vendor, asked.shown);
        PoolState state(builtin_rulebook());
        std::optional<PoolPolicy> before;
        for (const HostDump& host : hosts) {
            state.add(host);
            PoolPolicy after = state.finish(asked.options);
            if (before) check_empty(order.above(after, *before));
            if (before && state.host_count() == hosts.size()) check_empty(losses(below_floor(state, after, *before)));
            before = std::move(after);
        }
    });
}

TEST_CASE("the policy is true on each host, and no weaker than it must be", "[law][oracle]") {
    over_pools(5, 1500, 3, [](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t seed) {
        const Asked asked(vendor, seed);
        Judge judge(hosts, vendor, asked.shown);
        check_empty(judge.complaints(state_of(hosts).finish(asked.options)));
    });
}

TEST_CASE("the oracle notices what is wrong with the MSRs of a policy", "[law][oracle]") {
    over_pools(8, 80, 3, [](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t seed) {
        const Asked asked(vendor, seed);
        Judge judge(hosts, vendor, asked.shown);
        PoolPolicy policy = state_of(hosts).finish(asked.options);
        const std::size_t rightly = judge.complaints(policy).size();
        const auto is_noticed = [&] { return judge.complaints(policy).size() > rightly; };

        const std::vector<MsrRow> msrs = policy.msrs;
        std::vector<RuleField> fields;
        for (const RuleField& field : rules_for(vendor).fields) {
            const nlohmann::json& derive = field.derive;
            const bool is_made_known =
                derive.contains("default1") || derive.contains("bits") || derive.contains("choices");
            if (field.is_msr && (field.rule != "derive" || is_made_known)) fields.push_back(field);
        }
        Random choose(seed);
        for (int round = 0; round < 40; ++round) {
            const RuleField& field = fields[choose.below(static_cast<std::uint32_t>(fields.size()))];
            const unsigned bit = choose.below(64);
            policy.msrs = with_bit_flipped(msrs, field.leaf, bit);
            CAPTURE(field.leaf, bit);
            CHECK(is_noticed());
        }
        policy.msrs = msrs;
        const std::vector<Finding> findings = policy.findings;
        for (std::size_t i = 0; i < findings.size(); ++i) {
            const bool is_silence = findings[i].code == "msrs-unknown" && findings[i].severity == Severity::warning;
            if (!is_silence && findings[i].code != "verw-promise-lost") continue;
            policy.findings.erase(policy.findings.begin() + static_cast<std::ptrdiff_t>(i));
            CAPTURE(findings[i].message);
            CHECK(is_noticed());
            policy.findings = findings;
        }
    });
}

TEST_CASE("a policy is its own policy: closing what is closed changes nothing", "[law]") {
    over_pools(6, 250, 3, [](const std::vector<HostDump>& hosts, const std::string&, std::uint32_t) {
        const PoolState state = state_of(hosts);
        const PoolPolicy policy = state.finish({});
        CHECK(same_registers(state_of({as_host(policy)}).finish({}), policy));
        check_empty(losses(below_floor(state, policy, policy)));
        MergeOptions options;
        options.ceiling_policy = policy;
        CHECK(same_registers(state.finish(options), policy));
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

TEST_CASE("a baseline as the ceiling only takes promises away, and leaves no feature that it does not have", "[law]") {
    const Rulebook& rulebook = builtin_rulebook();
    over_pools(8, 150, 2, [&](const std::vector<HostDump>& hosts, const std::string& vendor, std::uint32_t seed) {
        const PoolState pool = state_of(hosts);
        const PoolPolicy whole = pool.finish({});
        const std::size_t number = rulebook.vendor_of(whole.vendor).value();
        std::vector<const Baseline*> fitting;
        for (const Baseline& baseline : rulebook.baselines) {
            if (((baseline.vendors >> number) & 1U) != 0 && baseline.refusal.empty()) fitting.push_back(&baseline);
        }
        REQUIRE_FALSE(fitting.empty());
        const Baseline& baseline = *fitting[seed % fitting.size()];
        CAPTURE(baseline.id);
        MergeOptions options;
        options.ceiling_level = std::string(baseline.id);
        const PoolPolicy limited = pool.finish(options);
        check_empty(PolicyOrder(vendor).above(limited, whole));
        for (const FieldIndex index : guest_features(rulebook, limited)) {
            const Field& field = rulebook[index];
            const bool is_of_cpu = field.rule == Rule::intersect && field.exposure == Exposure::shown &&
                                   field.mitigation.empty() && !field.required && !field.emulated &&
                                   field.made.by != Makers::all && field.subleaf_first == field.subleaf_last;
            if (!is_of_cpu) continue;
            CAPTURE(field.id);
            CHECK(std::ranges::find(baseline.features, index) != baseline.features.end());
        }
    });
}

}  // namespace poolcpuid::test::semilattice_test
