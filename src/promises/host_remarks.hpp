// What a host's dump leaves unsaid, has and the rulebook does not know, or eases.
#pragma once

#include "poolcpuid/host_dump.hpp"
#include "promises/host_promises.hpp"
#include "promises/host_tables.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// Fills in silent_rows, strays and easings of a host whose promises are read. Linear in the rows and the fields.
void add_remarks(const VendorRules& rules, const HostDump& dump, const HostTables& tables, HostPromises& host);

}  // namespace poolcpuid::promises
