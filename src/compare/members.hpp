// Names of hosts that are to be of a pool.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/error.hpp"

namespace poolcpuid::compare {

// That no host of the pool has this name, or matches this pattern: with the names that are near, or the first of all.
// members: those of the pool, sorted.
UsageError not_of_pool(const std::vector<std::string>& members, const std::string& name);

}  // namespace poolcpuid::compare
