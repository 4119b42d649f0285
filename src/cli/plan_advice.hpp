// What a person is to do about a plan, a sentence or two each.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// For the stranded VMs, then for the hosts, then for the policy; fit for a terminal.
std::vector<std::string> plan_advice(const PoolPlan& plan, const Rulebook& rulebook);

// The names among names of hosts that leave; the others come back.
struct LeavingOrBack {
    std::vector<std::string> leaving;
    std::vector<std::string> back;
};
LeavingOrBack split(const PoolPlan& plan, const std::vector<std::string>& names);

}  // namespace poolcpuid::cli
