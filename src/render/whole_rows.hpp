// Targets that are told whole registers of CPUID: which rows they are told, and what is left of a policy where they
// have words for the first subleaf alone and none for MSRs.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "render/guest_view.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

// The policy's rows, and a row of zeros for each leaf up to its maxima that it does not show: a host may have something
// there. Leaves that are the VMM's own are left out. Linear in the policy's rows and the rulebook's fields.
std::map<LeafKey, Registers> rows_with_zeros(const promises::VendorRules& rules, const PoolPolicy& policy);

// Those of them that the target takes.
std::map<LeafKey, Registers> rows_for(const RowWords& words, const promises::VendorRules& rules,
                                      const PoolPolicy& policy);

// Nobody can tell here what the guest sees of promises that some hosts have and the policy has not, where it has no row
// for them at all: in rows that the target leaves to the host. A lean policy does not say which those are: all count.
// Linear in the rulebook's fields and the policy's decisions.
void forget_absent(GuestView& view, const std::function<bool(LeafKey)>& is_left_to_host, const std::string& reason);

// Nobody can tell here what the guest sees of the other rows, the policy's and those that it has not, and of its MSRs.
void forget_the_rest(GuestView& view, const RowWords& words, const std::string& of_rows, const std::string& of_msrs);

}  // namespace poolcpuid::render
