// The answer of a plan in a sentence or two: which VMs strand, and where.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::cli {

std::string plan_headline(const PoolPlan& plan);

// "a, b and 3 more": names for a sentence, fit for a terminal.
std::string named(const std::vector<std::string>& names);

// "1 host", "2 hosts".
std::string counted(std::size_t count, const std::string& one, const std::string& many);

}  // namespace poolcpuid::cli
