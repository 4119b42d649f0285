// What would make a belief true, or better: found by asking the rules again with one thing changed.
#pragma once

#include <vector>

#include "audit/case.hpp"
#include "poolcpuid/audit.hpp"

namespace poolcpuid::audit {

std::vector<AuditAdvice> advice_for(const Case& subject);

}  // namespace poolcpuid::audit
