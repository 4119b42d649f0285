// Whether a VMM can decide what a vCPU shows: the same questions of vCPUs that are told otherwise.
#pragma once

#include <vector>

#include "poolcpuid/verify.hpp"
#include "promises/vendor_rules.hpp"
#include "verify/questions.hpp"

namespace poolcpuid::verify {

struct Control {
    std::vector<WrongBits> controlled;    // bits that KVM can show as the policy has them, and does not with it
    std::vector<WrongBits> uncontrolled;  // bits that read the same whatever a vCPU is told
};

// Divides wrong bits, which the answer to task had. Two more vCPUs are run: in one every flag (a field whose bits
// promise) and every wrong bit is set, in the other clear; what is no flag stays as it is, since KVM goes by the
// address width and the list of state components itself. A vCPU that KVM refuses is asked for with the wrong bits
// alone turned; where that is refused or fails too, the bits count as controlled.
Control divide(const promises::VendorRules& rules, const VcpuTask& task, const std::vector<WrongBits>& wrong,
               const VcpuRunner& run);

}  // namespace poolcpuid::verify
