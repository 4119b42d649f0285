// What a person should know of the inputs and the result: the findings of the policy document.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "merge/decisions.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// The findings, one a cause and not one a host, the most severe first and then by code.
std::vector<Finding> find(const DecisionInputs& inputs, const HostGroups& groups,
                          const std::vector<std::pair<std::string, std::string>>& skipped);

}  // namespace poolcpuid::merge
