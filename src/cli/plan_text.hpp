// A plan as a person reads it: which VMs strand first, then the pool, the difference, each running policy,
// and what to do.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// The text for an output of width columns.
std::string plan_text(const PoolPlan& plan, const Rulebook& rulebook, std::size_t width, bool colour);

// The answer of a plan in a sentence or two: which VMs strand, and where.

std::string plan_headline(const PoolPlan& plan);

// "a, b and 3 more": names for a sentence, fit for a terminal.
std::string named(const std::vector<std::string>& names);

// "1 host", "2 hosts".
std::string counted(std::size_t count, const std::string& one, const std::string& many);

// What a person is to do about a plan, a sentence or two each.

// For the stranded VMs, then for the hosts, then for the policy; fit for a terminal.
std::vector<std::string> plan_advice(const PoolPlan& plan, const Rulebook& rulebook);

// The names among names of hosts that leave; the others come back.
struct LeavingOrBack {
    std::vector<std::string> leaving;
    std::vector<std::string> back;
};
LeavingOrBack split(const PoolPlan& plan, const std::vector<std::string>& names);

}  // namespace poolcpuid::cli
