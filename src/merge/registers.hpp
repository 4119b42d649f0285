// From a closed draft to the registers of the policy document.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "merge/draft.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// The policy's registers. What has no row is zero; an MSR without a row is not offered.
struct Rows {
    std::map<LeafKey, Registers> cpuid;
    std::map<std::uint32_t, std::uint64_t> msrs;  // by index
};

// The policy's registers: promises, identity, XSAVE areas, duplicated bits, and the maximum leaves
// last, since only then is it known which leaf has content. Rows of zeros are left out.
Rows render(const Draft& draft);

// Puts them into a policy that has none.
void put_rows(const Rows& rows, PoolPolicy& policy);

// The bits that the VMM or the guest fills in, in the rulebook's order.
std::vector<BitPlace> owned_bits(const Draft& draft, const Rows& rows);

// What rows have in a register: 0 where there is no row.
std::uint64_t bits_in(const Rows& rows, const promises::RegisterPlace& place);

// A field's value in rows, shifted down.
std::uint64_t value_in(const Rows& rows, const Field& field, std::uint32_t subleaf);

}  // namespace poolcpuid::merge
