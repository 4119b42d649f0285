// What updates of hosts would do for a belief: of those that lag behind others of their model, and of those on which a
// guest is deceived.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/case.hpp"

namespace poolcpuid::audit {

struct CatchUp {
    std::vector<std::string> fields;  // what it brings, sorted
    std::vector<std::string> hosts;   // those that lag behind in one of these, sorted
    std::string says;                 // the guest, under a policy of the hosts then
};

// The least that brings hosts to where others of their row in the model table are by their microcode, so that a guest
// mitigates with effect on every host. Nothing where no such update does. Quadratic in the fields that microcode brings
// and the vulnerability's rules ask for, linear in the hosts.
std::optional<CatchUp> catch_up(const Case& subject);

// A field that microcode brings to all hosts on which a guest is deceived, each of which lacks it, so that it is
// deceived on none.
struct Remedy {
    std::string field;
    bool is_told = false;  // the guest, by a policy of the hosts then
};

// The first that there is for what a guest says of a vulnerability. Linear in the hosts.
std::optional<Remedy> remedy_for(const Case& subject, const Conditions& guest,
                                 const rulebook::GuestVulnerability& vulnerability);

}  // namespace poolcpuid::audit
