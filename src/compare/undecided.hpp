// What the decisions of a policy leave open of its hosts: the policy has not what one of them is not known to have.
#pragma once

#include "poolcpuid/policy.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

// Marks the promises unknown that the policy does not make for want of a dump that says more, and that no host is known
// to lack. promises: of the policy's registers. Linear in the decisions; a lean policy has none of these.
void mark_undecided(const promises::VendorRules& rules, const PoolPolicy& policy, promises::HostPromises& promises);

}  // namespace poolcpuid::compare
