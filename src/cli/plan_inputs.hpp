// What plan is asked: the pool as it is, the change, and the policies of running VMs, read from files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// The arguments that name them, as given.
struct PlanSources {
    std::string policy;
    std::vector<std::string> hosts;
    std::vector<std::string> add;
    std::vector<std::string> remove;
    std::vector<std::string> replace;
    std::vector<std::string> running;
    std::string ceiling;
};

struct PlanInputs {
    CurrentPool current;
    PoolChange change;
    std::vector<RunningPolicy> running;  // that in force first
};

// Reads them. Nothing, with every reason logged, when something cannot be read or --hosts are not the hosts
// of the policy. Throws UsageError when the arguments do not fit together, else as read_policy_hosts does.
std::optional<PlanInputs> read_plan_inputs(const PlanSources& sources, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
