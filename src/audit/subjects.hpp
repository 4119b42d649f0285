// Of whom the audit asks: the guest that a policy makes, and a host as its CPU is, whatever its VMM shows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/conditions.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::audit {

// The guest with the policy's registers, for each bit of which it is no matter who sets it. rules are those of the
// policy's vendor. Both must outlive it.
Subject guest_of(const promises::VendorRules& rules, const PoolPolicy& policy,
                 const std::vector<std::string>& assumptions);

// The host, as much of it as is known: its CPU, what the model table says of it, and what its hypervisor adds; one for
// each kind of CPU that it has (cpu_kinds). rules are those of its vendor, and must outlive them, as the host must.
std::vector<Subject> host_of(const promises::VendorRules& rules, const HostDump& host,
                             const std::vector<std::string>& assumptions);

}  // namespace poolcpuid::audit
