// What a person should know of the inputs and the result: the findings of the policy document.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "merge/decisions.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// The same pool under the same options, without the hosts that promise these: there are others.
using DraftWithout = std::function<Draft(const std::set<const promises::HostPromises*>& gone)>;

// The findings, one a cause and not one a host, the most severe first and then by code.
std::vector<Finding> find(const DecisionInputs& inputs, const HostGroups& groups,
                          const std::vector<std::pair<std::string, std::string>>& skipped,
                          const DraftWithout& draft_without);

}  // namespace poolcpuid::merge
