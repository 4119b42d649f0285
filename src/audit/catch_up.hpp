// What an update of hosts that lag behind others of their model would do for a belief.
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

}  // namespace poolcpuid::audit
