// Where the VMs of a policy may run: each kind of host checked once, the answers by host.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "plan/host_kinds.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::plan {

// The hosts of the pool on both sides of a change.
struct Hosts {
    HostsByName before;
    HostsByName after;
    std::set<std::string> moving;  // those that leave or are replaced, by name
    HostKinds kinds;               // of all of them
};

// A policy's verdict on each kind of host.
class Reach {
public:
    // One check a kind. hosts must outlive it.
    Reach(const Rulebook& rulebook, const PoolPolicy& policy, const Hosts& hosts, Strictness strictness);

    const Verdict& on(const HostDump& host) const { return verdicts_[hosts_.kinds.of(host)]; }
    bool may_run_on(const HostDump& host) const { return on(host).compatible(strictness_); }

    // Fills in reaches, cannot_reach, degraded, doubtful, start_up, must_move and no_refuge.
    void describe(RunningPlan& plan) const;

    // What the VMM must be told to show on the hosts after the change that the policy reaches.
    std::vector<StartUpHosts> start_up() const;

    // The hosts that leave or are replaced and may not run it as they are.
    std::vector<std::string> moving_beyond_reach() const;

private:
    const Hosts& hosts_;
    Strictness strictness_;
    std::vector<Verdict> verdicts_;  // by kind
};

// What would mend the hosts after the change, from all that is broken or in doubt there.
std::vector<Mend> mends_of(const Hosts& hosts, const std::vector<Reach>& running);

}  // namespace poolcpuid::plan
