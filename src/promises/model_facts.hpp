// What the model table knows of a host's silicon, whatever its views show.
#pragma once

#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// Applies what holds of the silicon with its microcode, and leaves open what depends on a microcode that is not known.
void apply_model(const VendorRules& rules, HostPromises& host);

// What holds of the CPU and not of its guests is left to the hypervisor's view. After apply_model.
void leave_to_kernels(const VendorRules& rules, HostPromises& host);

}  // namespace poolcpuid::promises
