// What CPU the guest of a policy sees.
#pragma once

#include <string>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// "Rome, Castle Peak (family 23, model 49, stepping 0)"; the numbers alone where the model table has no row.
std::string cpu_name(const PoolPolicy& policy, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
