// What a field is on one host.
#pragma once

#include <cstdint>

#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// What a field is on one host, for decisions.
struct SeenValue {
    bool known = false;
    std::uint64_t value = 0;
    bool modelled = false;  // set or settled by the model table
    bool implied = false;   // no view shows it: implied_by says that it is kept

    friend auto operator<=>(const SeenValue&, const SeenValue&) = default;
};

// The field's value on a host: the meet over the logical CPUs for promises, the first
// CPU's for all else.
SeenValue seen_value(const VendorRules& rules, const HostPromises& host, FieldIndex field, std::uint32_t subleaf);

// The same, but for what the host keeps for a VM that brings it and offers to none (SeenValue::implied): what the host
// brings into a pool.
SeenValue brought_value(const VendorRules& rules, const HostPromises& host, FieldIndex field, std::uint32_t subleaf);

// True when the host keeps the promise of each bit of the field, in its first subleaf.
bool keeps_bits(const VendorRules& rules, const HostPromises& host, FieldIndex field);

// True when the host's silicon has the field and its hypervisor does not offer it.
bool is_withheld(const VendorRules& rules, const HostPromises& host, FieldIndex field, std::uint32_t subleaf);

// True when the host's CPU has the field, shown to guests or not, or may have it for all that is known.
bool may_have(const VendorRules& rules, const HostPromises& host, FieldIndex field);

}  // namespace poolcpuid::promises
