// merge --expect: whether a policy is what the inputs give, and if not, why not.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// The causes for which expected is not actual, each a sentence; empty when they are the same. What
// neither rulebook, options nor inputs explain was changed in the document. names are all hosts of
// actual with their digests, as PoolState::names gives them.
std::vector<std::string> unexpected(const Rulebook& rulebook, const PoolPolicy& expected, const PoolPolicy& actual,
                                    const std::vector<std::pair<std::string, std::string>>& names);

}  // namespace poolcpuid::cli
