// What advice is made from: one vulnerability, the guest, and the hosts that were asked.
#pragma once

#include <string>
#include <vector>

#include "audit/answers.hpp"
#include "audit/conditions.hpp"
#include "poolcpuid/audit.hpp"
#include "rulebook/guest_data.hpp"

namespace poolcpuid::audit {

// Hosts that were asked, of which those with equal content are one. Each kind of CPU of theirs is asked by itself.
struct AuditedHost {
    std::vector<std::string> names;  // sorted
    Conditions conditions;
    bool lends_identity = true;  // this kind of CPU stands for the host
};

struct Case {
    const Rulebook& rulebook;
    const rulebook::GuestData& data;
    const rulebook::GuestVulnerability& vulnerability;
    const Conditions& guest;
    const std::vector<AuditedHost>& hosts;
    const Saying& saying;
    const AuditEntry& entry;            // with its verdicts
    const Conditions* again = nullptr;  // the guest of a policy that is made of these hosts today, where it differs
};

}  // namespace poolcpuid::audit
