// What would make a belief true, or better: found by asking the rules again with one thing changed.
#pragma once

#include <vector>

#include "audit/conditions.hpp"
#include "poolcpuid/audit.hpp"
#include "rulebook/guest_data.hpp"

namespace poolcpuid::audit {

// What a guest says of a vulnerability, and why.
struct Saying {
    std::string text;
    Belief belief = Belief::not_affected;
    Grounds grounds;
    std::vector<const rulebook::GuestCondition*> needs;  // of the host; all must hold
};

Saying saying_of(const Conditions& guest, const rulebook::GuestVulnerability& vulnerability);

// What a host is for what a guest says, without its name.
AuditHosts answer_on(const Conditions& host, const rulebook::GuestVulnerability& vulnerability, const Saying& saying);

// Hosts that were asked, of which those with equal content are one. Each kind of CPU of theirs is asked by itself.
struct AuditedHost {
    std::vector<std::string> names;  // sorted
    Conditions conditions;
    bool lends_identity = true;  // this kind of CPU stands for the host
};

// What advice is made from.
struct Case {
    const Rulebook& rulebook;
    const rulebook::GuestData& data;
    const rulebook::GuestVulnerability& vulnerability;
    const Conditions& guest;
    const std::vector<AuditedHost>& hosts;
    const Saying& saying;
    const AuditEntry& entry;  // with its verdicts
};

std::vector<AuditAdvice> advice_for(const Case& subject);

}  // namespace poolcpuid::audit
