// The part of a story that comes first: which hosts limit the pool, what each set of them costs, and what the
// pool would be without them.
#pragma once

#include "cli/explain_text.hpp"
#include "cli/page.hpp"

namespace poolcpuid::cli {

// Puts the sets of hosts that limit a field on the page, the costliest first.
void put_limits(const Explanation& explanation, const ExplainedPolicy& of, Page& page);

}  // namespace poolcpuid::cli
