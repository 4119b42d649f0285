// What plan --split says to people.
#pragma once

#include "cli/page.hpp"
#include "poolcpuid/pool_split.hpp"

namespace poolcpuid::cli {

// How much the pools keep, each pool with what it gains, and which migrations end.
void split_text(const PoolSplit& split, Page& page);

}  // namespace poolcpuid::cli
