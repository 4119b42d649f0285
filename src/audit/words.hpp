// How the verdicts of an audit are said to people, in a terminal and on the page.
#pragma once

#include <string>
#include <string_view>

#include "poolcpuid/audit.hpp"

namespace poolcpuid::audit {

// What a verdict means, as a heading: "Open, and the guest says so".
std::string_view meaning_of(AuditVerdict verdict) noexcept;

// What hosts are for a belief, and by which fields: "affected, and the guest does nothing (ac_gds_no 0, avx 1)".
std::string story_of(const AuditEntry& entry, const AuditHosts& hosts);

}  // namespace poolcpuid::audit
