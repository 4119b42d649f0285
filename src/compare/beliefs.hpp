// What a guest's kernel believes of CPU vulnerabilities under one policy and under another, and on which hosts it is
// falsely safe.
#pragma once

#include "compare/reach.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::compare {

// Of two policies of one vendor, by the newest kernel of a rulebook that has one. hosts: those on which the guest may
// run, of that vendor; each kind is asked once.
BeliefChanges belief_changes(const Rulebook& rulebook, const PoolPolicy& before, const PoolPolicy& after,
                             const HostsByName& hosts);

}  // namespace poolcpuid::compare
