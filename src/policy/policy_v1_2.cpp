#include "policy/policy_v1_2.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace poolcpuid {

namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

HostList silent_hosts(const Decision& decision) {
    HostList hosts;
    for (const ValueOfHosts& value : decision.values) {
        if (!value.value) hosts.add(value.list(), std::max(most_names, decision.because.names.size()));
    }
    return hosts;
}

bool may_hold_cpus(const HostList& hosts, const HostList& others) {
    if (hosts.cpus.empty()) return true;
    return std::all_of(others.cpus.begin(), others.cpus.end(), [&](const auto& entry) {
        const auto at = hosts.cpus.find(entry.first);
        return at != hosts.cpus.end() && at->second >= entry.second;
    });
}

// Whether the silent hosts are among those that decided, all of them or none. Where none is named they may stand behind
// the names, if there is room for them.
bool did_decide(const HostList& silent, const HostList& because) {
    const bool is_named = std::any_of(silent.names.begin(), silent.names.end(),
                                      [&](const std::string& name) { return holds(because.names, name); });
    if (is_named || silent.names.empty() || because.names.empty()) return is_named;
    const bool is_behind = silent.names.front() > because.names.back();
    return is_behind && because.count >= because.names.size() + silent.count && may_hold_cpus(because, silent);
}

HostList without(HostList hosts, const HostList& others) {
    hosts.count -= std::min(hosts.count, others.count);
    for (const auto& [cpu, count] : others.cpus) {
        const auto at = hosts.cpus.find(cpu);
        if (at != hosts.cpus.end() && (at->second -= std::min(at->second, count)) == 0) hosts.cpus.erase(at);
    }
    std::erase_if(hosts.names, [&](const std::string& name) { return holds(others.names, name); });
    return hosts;
}

}  // namespace

void add_deciders(PoolPolicy& policy) {
    for (Decision& decision : policy.decisions) {
        if (is_consequence(decision.cause)) continue;
        HostList silent = silent_hosts(decision);
        if (silent.count == 0 || !did_decide(silent, decision.because)) continue;
        if (silent.count < decision.because.count) decision.because_known = without(decision.because, silent);
        decision.because_unknown = std::move(silent);
    }
}

}  // namespace poolcpuid
