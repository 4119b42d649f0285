// Where the VMs of a policy may run: each kind of host checked once, the answers by host.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::compare {

// Hosts by what their views say: a pool of thousands has a few dozen kinds, and questions are asked of those.

// Hosts of a pool by name. The dumps live as long as the map.
using HostsByName = std::map<std::string, const HostDump*>;

class HostKinds {
public:
    // Takes the hosts in. Linear in their rows, once for each dump that is equal to the byte.
    void add(const Rulebook& rulebook, const HostsByName& hosts);

    // The kind of a host that was taken in, the dump itself: 0 to examples().size() - 1. Hosts whose views are equal
    // are of one kind, whatever their names.
    std::size_t of(const HostDump& host) const { return kinds_.at(&host); }

    // A host of each kind.
    const std::vector<const HostDump*>& examples() const noexcept { return examples_; }

private:
    std::size_t kind_of_views(std::string views, const HostDump* host);

    std::unordered_map<const HostDump*, std::size_t> kinds_;
    std::map<std::string, std::size_t> by_digest_;  // of the dump
    std::map<std::string, std::size_t> by_views_;   // of the views
    std::vector<const HostDump*> examples_;
};

// The hosts of the pool on both sides of a change.
struct Hosts {
    HostsByName before;
    HostsByName after;
    std::map<std::string, std::string> lost;  // of those before without a dump, the digests by name
    std::set<std::string> moving;             // those that leave or are replaced, by name
    HostKinds kinds;                          // of all of them
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

// What of a host's surroundings changed with its dump: the likely causes of a weaker or stronger host.

// The CPU, the microcode revision, the kernel and KVM's parameters, as capture records them, where they differ; by
// name.
std::vector<SettingChange> setting_changes(const Rulebook& rulebook, const HostDump& before, const HostDump& after);

// The same of a host whose former dump is not there, as far as its policy says what that said.
std::vector<SettingChange> setting_changes(const Rulebook& rulebook, const HostFacts& before, const HostDump& after);

}  // namespace poolcpuid::compare
