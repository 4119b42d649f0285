// What there is to do about a plan: which VMs wait, stop or restart, what hosts need that came back weaker, and when
// new VMs start. What mends hosts on which VMs must not run, and what they cost, the plan has beside it.
#pragma once

#include <vector>

#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::compare {

// Of a plan whose other members are set. Linear in its running policies times their groups of hosts.
std::vector<PlanAdvice> advice_for(const PoolPlan& plan);

}  // namespace poolcpuid::compare
