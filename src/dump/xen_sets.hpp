// Xen's sets of features, of which the "max" ones tolerate more than the host does.
//
// What a VM that comes from another host may have been told stands in the max set. To be told of bad news where there
// is none does no harm, nor does a VERW that scrubs nothing, so Xen sets such bits there on every host
// (guest_common_max_feature_adjustments in xen/arch/x86/cpu-policy.c: RSBA and RRSBA since 4.18, MD_CLEAR, FB_CLEAR and
// RFDS_CLEAR since 4.19, VERW_CLEAR with XSA-471; libxc of XCP-ng 8.2 likewise, xc_get_cpu_featureset). In the default
// set they are what the host has again. Of bits that promise by being set the max set is true.
#pragma once

#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// What one set says. An MSR without a row: nothing is said of it; one without a value is not there.
struct XenSet {
    CpuidTable cpuid;
    std::vector<MsrRow> msrs;
};

// Makes of what max says of bad news, and of what VERW scrubs, that what others say: sets of the same Xen that hold
// what is so on the host. What only max says stays as it is, but for what Xen sets on every host (`given` in
// policy/targets/xen.json): of these bits, and of an MSR with one of them, nothing is known then.
// Returns whether all is known. Linear in the rows of max and the fields of the rulebook.
bool take_bad_news(HypervisorView& max, const std::vector<XenSet>& others);

}  // namespace poolcpuid::dump
