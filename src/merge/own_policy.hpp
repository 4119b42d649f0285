// What a host would promise to guests if it were a pool of its own.
#pragma once

#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// The promises of the policy that a merge without options makes of the host alone: what nobody asked for is not shown,
// and what lost its object is closed. Also of a host for which there is no policy, since it lacks what every guest
// needs. Linear in the rulebook's fields for each round of the closure.
promises::HostPromises own_promises(const promises::VendorRules& rules, const promises::HostPromises& host);

}  // namespace poolcpuid::merge
