// Any bytes as the dumps of several hosts: merged, held against the policy, and then, by the first byte, merged in
// another order ('o'), with a host less ('g'), held against each other ('d'), or the policy given to the verb of that
// letter (see verb_of). Any other byte leaves it at that: verbs take most of the time, and have a target of their own.
//
// A dump a section, of any format.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/floor.hpp"
#include "poolcpuid/inventory.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "require.hpp"
#include "sections.hpp"
#include "verbs.hpp"

using namespace poolcpuid;
using fuzz::require;

namespace {

constexpr std::size_t most_hosts = 6;  // more take time, and show nothing more

// The hosts of all sections that can be read, under names of ours.
std::vector<HostDump> read_all(const fuzz::Sections& sections) {
    std::vector<HostDump> hosts;
    for (const fuzz::Section& file : sections.files) {
        try {
            for (HostDump& host : read_hosts(file.bytes, "input")) hosts.push_back(std::move(host));
        } catch (const InputError&) {
        }
    }
    if (hosts.size() > most_hosts) hosts.resize(most_hosts);
    for (std::size_t i = 0; i < hosts.size(); ++i) hosts[i].name = "host-" + std::to_string(i);
    return hosts;
}

// The pool of some hosts; nothing when no policy can be true on all.
std::optional<PoolState> state_of(const std::vector<HostDump>& hosts) {
    PoolState state(builtin_rulebook());
    try {
        for (const HostDump& host : hosts) state.add(host);
    } catch (const NoPolicyError&) {
        return std::nullopt;
    }
    return state;
}

std::optional<PoolPolicy> policy_of(const PoolState& state) {
    MergeOptions options;
    options.show = {"nested", "pmu"};
    try {
        return state.finish(options);
    } catch (const NoPolicyError&) {
        return std::nullopt;
    }
}

void check_order(const std::vector<HostDump>& hosts, const PoolState& state, const std::optional<PoolPolicy>& policy) {
    std::vector<HostDump> reversed(hosts.rbegin(), hosts.rend());
    reversed.push_back(hosts.back());
    const std::optional<PoolState> other = state_of(reversed);
    require(other && other->same_promises(state), "order and repetition do not matter");
    const std::optional<PoolPolicy> again = policy_of(*other);
    require(again.has_value() == policy.has_value(), "there is a policy in either order");
    require(!policy || to_json(*again) == to_json(*policy), "the same policy in either order");
}

void check_policy(const std::vector<HostDump>& hosts, const PoolState& state, const PoolPolicy& policy) {
    const std::string text = to_json(policy);
    require(to_json(read_policy(text, "policy")) == text, "a policy reads back as it was written");
    const PolicyCheck check(builtin_rulebook(), policy);
    for (const HostDump& host : hosts) {
        require(check.against(host).compatible(UnknownIs::failure), "the pool's policy is true on each host");
    }
    require(below_floor(state, policy, policy).empty(), "a policy is not below itself");
}

// The policy of the first hosts promises no less than that of all.
void check_growth(const std::vector<HostDump>& hosts, const PoolState& state, const PoolPolicy& policy) {
    const std::optional<PoolState> fewer = state_of({hosts.begin(), hosts.end() - 1});
    const std::optional<PoolPolicy> before = policy_of(*fewer);
    if (!before) return;
    require(below_floor(state, policy, *before).empty(), "a host that joins adds no promise");
    require(PolicyCheck(builtin_rulebook(), policy).against(*before).compatible(UnknownIs::failure),
            "a VM of the larger pool may move into the smaller");
}

void check_pairs(const std::vector<HostDump>& hosts) {
    for (std::size_t i = 1; i < hosts.size(); ++i) {
        const Difference there = differences(builtin_rulebook(), hosts[i - 1], hosts[i]);
        const Difference back = differences(builtin_rulebook(), hosts[i], hosts[i - 1]);
        require(there.equal_registers == back.equal_registers, "equal is equal from either side");
        require(there.changes.size() == back.changes.size(), "as many changes there as back");
        (void)to_json(there, builtin_rulebook());
    }
}

// Of any vendors.
void take_stock(const std::vector<HostDump>& hosts) {
    const Inventory inventory = inventory_of(builtin_rulebook(), hosts);
    std::size_t grouped = 0;
    for (const HostsAlike& group : inventory.groups) grouped += group.names.size();
    require(grouped == hosts.size(), "every host is in a group");
    for (const OutlierHosts& outlier : inventory.outliers) {
        require(outlier.hosts.count < outlier.others, "fewer than half are outliers");
    }
    const std::vector<HostDump> reversed(hosts.rbegin(), hosts.rend());
    require(to_json(builtin_rulebook(), inventory) ==
                to_json(builtin_rulebook(), inventory_of(builtin_rulebook(), reversed)),
            "the same inventory in either order");
    require(to_ndjson(builtin_rulebook(), inventory).ends_with('\n'), "a document is whole lines");
}

void ask_verb(std::uint8_t letter, const std::vector<HostDump>& hosts, const PoolPolicy& policy) {
    const std::optional<PoolPolicy> alone = policy_of(*state_of({hosts.front()}));
    fuzz::verb_of(letter)({builtin_rulebook(), policy, alone ? *alone : policy, hosts});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::Sections sections = fuzz::sections_of({reinterpret_cast<const char*>(data), size});
    const std::vector<HostDump> hosts = read_all(sections);
    if (hosts.empty()) return 0;
    take_stock(hosts);
    const std::optional<PoolState> state = state_of(hosts);
    if (!state) {
        require(!state_of({hosts.rbegin(), hosts.rend()}), "hosts that make no pool make none in either order");
        return 0;
    }
    const std::optional<PoolPolicy> policy = policy_of(*state);
    if (data[0] == 'o') check_order(hosts, *state, policy);
    if (data[0] == 'd') check_pairs(hosts);
    if (!policy) return 0;
    check_policy(hosts, *state, *policy);
    if (data[0] == 'g' && hosts.size() > 1) check_growth(hosts, *state, *policy);
    if (std::string_view("ceprhvs").find(static_cast<char>(data[0])) != std::string_view::npos) {
        ask_verb(data[0], hosts, *policy);
    }
    return 0;
}
