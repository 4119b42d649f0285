// The retpoline group: RSBA and RRSBA are two names of one piece of bad news.
//
// Either of them says that RET may be predicted from elsewhere than the return stack. Under enhanced IBRS the
// predictions are tagged by mode, and the news goes by the name RRSBA; without it, by RSBA (Xen
// spec_ctrl.c, retpoline_calculations).
#pragma once

#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// Makes the two bits of a host agree: one that is set breaks the promise of both, and one that is
// unknown leaves both unknown.
void join_bad_news(const VendorRules& rules, const RetpolineBits& group, HostPromises& host);

}  // namespace poolcpuid::promises
