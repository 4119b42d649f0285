// Policy documents of version 1.0, which said the cause of a decision in its reason only. This file and its .cpp can go
// when no such document is kept any more; nothing else reads a sentence.
#pragma once

#include "poolcpuid/policy.hpp"

namespace poolcpuid {

// Gives the decisions of a policy that was read from a document of version 1.0 what version 1.1 says as data, as far
// as their sentences and their findings say it, joins the decisions on the layout of one XSAVE state, and notes the
// digest of the document as it was.
void add_causes(PoolPolicy& policy);

}  // namespace poolcpuid
