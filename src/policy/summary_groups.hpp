// What a policy says in short: what the pool gives up and for whom, which relaxed behaviours it has to
// announce, which numbers a host limits. The summary of merge and the report are made of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/explain.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::summary {

// Why the policy has not what a host has.
enum class Loss : std::uint8_t {
    lacking,   // a host lacks it; of others it may not be known
    unknown,   // no host is known to lack it, and of some it is not known
    followed,  // all hosts have it, and the policy not what it stands on
    option,    // the operator's own option took it
};

// Features that the policy lacks for the same reason.
struct GivenUp {
    Loss loss = Loss::lacking;
    std::string option;  // "--ceiling x86-64-v2"; empty: what stood on what other options took
    HostList hosts;      // that lack them, or that keep away what they stand on
    HostList unknown;    // of which they are not known, and without which they would not come back, either
    std::vector<const Decision*> features;
};

// Pointers into the policy's decisions.
struct Groups {
    std::vector<GivenUp> given_up;                     // by loss and hosts; what followed the options comes behind them
    std::vector<const Decision*> announced;            // relaxed behaviours that the guest is told of
    std::vector<const Decision*> announced_by_option;  // likewise, though no host needs it
    std::vector<const Decision*> limits;               // numbers that a host, or the operator, keeps from being better
};

// The groups of policy, which must outlive them. Linear in its decisions, but for those that the operator's
// options bring down.
Groups groups_of(const PoolPolicy& policy, const Rulebook& rulebook);

// The hosts of the pool; a policy that joined as a ceiling is none.
std::size_t host_count(const PoolPolicy& policy);

// "Rome, Castle Peak (family 23, model 49, stepping 0)"; no name when the model table has none.
std::string identity_text(const PoolPolicy& policy, const Rulebook& rulebook);

}  // namespace poolcpuid::summary
