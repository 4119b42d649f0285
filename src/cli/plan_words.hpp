// The sentences of plan: what its page opens and closes with, and the words that both share with what lies between.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/pool_plan.hpp"

namespace poolcpuid::cli {

// The answer in a sentence or two: which VMs strand, and where.
std::string plan_headline(const PoolPlan& plan);

// What to do, a sentence or two each: for the running VMs, then for the hosts, then for the policy.
std::vector<std::string> plan_advice(const PoolPlan& plan, const Rulebook& rulebook);

// Hosts for a sentence: "a, b and 3 more" or, of many, "40 hosts (Rome ×28, Milan ×12)".
std::string named(const PoolPlan& plan, const std::vector<std::string>& hosts);

// "the policy after", "the pool's policy".
const char* name_of(PlanAdvice::Start policy) noexcept;

// Where VMs are that were not told of something that is no worse elsewhere.
const char* where_they_run(const PoolPlan& plan) noexcept;

}  // namespace poolcpuid::cli
