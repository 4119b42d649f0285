// A plan as a person reads it: which VMs strand first, then the pool, the difference, each running policy,
// and what to do.
#pragma once

#include <cstddef>
#include <string>

#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// The text for an output of width columns.
std::string plan_text(const PoolPlan& plan, const Rulebook& rulebook, std::size_t width, bool colour);

}  // namespace poolcpuid::cli
