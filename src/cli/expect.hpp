// merge --expect: whether a policy is what the inputs give, and if not, why not.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"

namespace poolcpuid::cli {

// The causes for which expected is not actual, each a sentence; empty when they are the same.
std::vector<std::string> differences(const PoolPolicy& expected, const PoolPolicy& actual);

}  // namespace poolcpuid::cli
