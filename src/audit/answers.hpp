// What a guest says of a vulnerability, and what a host is for that.
#pragma once

#include <string>
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

// True of what VERW is against: a guarded bit says that it scrubs.
bool is_guarded(const Rulebook& rulebook, const rulebook::GuestVulnerability& vulnerability);

// What a host is for what a guest says, without its name. The family and model of a virtual machine prove nothing good
// of the silicon below; what is bad of them stays.
AuditHosts answer_on(const Conditions& host, const rulebook::GuestVulnerability& vulnerability, const Saying& saying);

}  // namespace poolcpuid::audit
