// Policy documents up to version 1.2, which did not tell the hosts that decided by not being known from the others.
// This file and its .cpp can go when no such document is kept any more.
#pragma once

#include "poolcpuid/policy.hpp"

namespace poolcpuid {

// Tells them apart in the decisions of a policy that was read from such a document, as far as its lists of hosts, of
// which each has the first names only, say it.
void add_deciders(PoolPolicy& policy);

}  // namespace poolcpuid
