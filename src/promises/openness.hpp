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

// True when the host is known to be open to one of these. What only CPUs with all these immunities have comes to no
// such host, whatever is updated there; of a hypervisor's view alone nobody knows whether it hides that the CPU is
// immune.
bool is_known_open(const VendorRules& rules, const HostPromises& host, List<Text> immunities);

// True when one of the host's CPUs is not known to be without the vulnerability, as those are of which nothing is
// known, and the host does not show the bits that say so either.
bool may_be_open_to(const VendorRules& rules, const HostPromises& host, std::string_view vulnerability);

// What guests that are shown the family and model of lender hold themselves for safe from, or do not look for, and to
// which a CPU of host may be open: ids of Rulebook::vulnerabilities, sorted. Of a model that the table does not have
// its family counts. What guests make of a lender of no known family nobody knows: then there is nothing.
std::vector<std::string> open_unknown_to_guests(const VendorRules& rules, const HostPromises& lender,
                                                const HostPromises& host);

}  // namespace poolcpuid::promises
