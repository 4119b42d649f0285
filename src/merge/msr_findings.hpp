// The findings on feature MSRs of which a dump says nothing: one a cause, not one a field.
#pragma once

#include "merge/finding_list.hpp"

namespace poolcpuid::merge {

// Adds "msrs-unknown" findings: the hosts whose dumps are silent on the same MSRs, which bad news the
// policy must show because of that, and what would settle it. Hosts that lack the MSR stand in "msr-absent". Linear in
// variants times the vendor's words.
void report_unknown_msrs(FindingList& list);

// True when the policy's silence about a field comes from an MSR that the host's dump does not hold, and not from
// a hypervisor that makes it:
// such a field has its place in the finding of that MSR.
bool is_unknown_msr(const promises::VendorRules& rules, const promises::HostPromises& host, FieldIndex field,
                    std::uint32_t subleaf);

}  // namespace poolcpuid::merge
