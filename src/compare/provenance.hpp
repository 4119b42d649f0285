// How two policies differ beyond their registers: rulebook, inputs, owned bits, decisions, findings.
#pragma once

#include "poolcpuid/diff.hpp"

namespace poolcpuid::compare {

Provenance provenance(const PoolPolicy& before, const PoolPolicy& after);

}  // namespace poolcpuid::compare
