// Which vulnerabilities a host is open to, by its model and by what it shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// True when the model of one of the host's CPUs, which is known, is not immune to the vulnerability, and the host does
// not show the bits that say so either.
bool is_open_to(const VendorRules& rules, const HostPromises& host, std::string_view vulnerability);

// What guests that are shown the family and model of lender hold themselves for safe from, or do not look for, and to
// which a CPU of host is open: ids of Rulebook::vulnerabilities, sorted. Nothing where one of the two is of no known
// model.
std::vector<std::string> open_unknown_to_guests(const VendorRules& rules, const HostPromises& lender,
                                                const HostPromises& host);

}  // namespace poolcpuid::promises
