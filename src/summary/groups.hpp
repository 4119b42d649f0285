// What a policy says in short: what the pool gives up and for whom, which relaxed behaviours it has to
// announce, which numbers a host limits. The summary of merge and the report are made of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::summary {

// Features that the policy lacks because of the same hosts.
struct GivenUp {
    std::vector<std::string> hosts;  // as the decisions list them
    std::vector<const Decision*> features;
};

// Pointers into the policy's decisions.
struct Groups {
    std::vector<GivenUp> given_up;           // by hosts
    std::vector<const Decision*> announced;  // relaxed behaviours that the guest is told of
    std::vector<const Decision*> limits;     // numbers that a host keeps from being better
};

// The groups of policy, which must outlive them. Linear in its decisions.
Groups groups_of(const PoolPolicy& policy, const Rulebook& rulebook);

// The hosts of the pool; a policy that joined as a ceiling is none.
std::size_t host_count(const PoolPolicy& policy);

// "Rome, Castle Peak (family 23, model 49, stepping 0)"; no name when the model table has none.
std::string identity_text(const PoolPolicy& policy, const Rulebook& rulebook);

// The number that a decision's value states; 0 for "unknown".
std::uint64_t number_of(std::string_view value);

}  // namespace poolcpuid::summary
