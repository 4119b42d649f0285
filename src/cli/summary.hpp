// The summary of a policy that an operator reads in ten seconds.
#pragma once

#include <cstddef>
#include <string>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// What the pool gives up and which hosts cost it, what was set because one host has it, and what is
// wrong with the inputs; in lines of at most width columns, with ANSI colours when colour is set.
std::string summarise(const PoolPolicy& policy, const Rulebook& rulebook, std::size_t width, bool colour);

}  // namespace poolcpuid::cli
