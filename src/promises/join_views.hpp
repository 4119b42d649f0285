// Views of one host made one: of its logical CPUs what all promise, and of the silicon's and its hypervisor's view what
// guests meet.
#pragma once

#include "promises/table_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// The meet with another logical CPU of the host: a vCPU may run on either.
void join_cpu(const VendorRules& rules, TablePromises& host, const TablePromises& cpu);

// Gives a hypervisor's view what only the silicon's tells: its bad news, what it is known not to have, and what VERW
// scrubs.
void widen(const VendorRules& rules, TablePromises& view, const TablePromises& hardware);

}  // namespace poolcpuid::promises
