// The fields that two vectors of promises do not share, and in which direction each changed.
#pragma once

#include <vector>

#include "poolcpuid/diff.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

// One side, reduced.
struct Promised {
    // To a guest that is started there: of a host, those of the policy that it gives alone.
    promises::HostPromises promises;
    // What is kept for a guest that is migrated there: of a policy the same, of a host all of its dump.
    promises::HostPromises kept;
    bool is_policy = false;
    // Of a policy: the hosts behind it, where they are known. They say what it does not, and what a broken promise
    // costs there. They must outlive this.
    std::vector<const promises::HostPromises*> hosts = {};
};

Promised promised_by(const promises::VendorRules& rules, const PoolPolicy& policy);
// The same of the policy of these hosts, who say of VERW what it does not: where it scrubs not on all, whether that is
// known.
Promised promised_by(const promises::VendorRules& rules, const PoolPolicy& policy,
                     std::vector<const promises::HostPromises*> hosts);
Promised promised_by(const promises::VendorRules& rules, const HostDump& host);

// By direction, then impact, then place: the order of every list of changes.
void sort_changes(std::vector<FieldChange>& changes);

// Those that break a promise of the first side.
std::vector<FieldChange> broken(std::vector<FieldChange> changes);

// What the second side promises and the first does not.
std::vector<FieldChange> gained(const promises::VendorRules& rules, const Promised& before, const Promised& after);

// Every change, by direction, then impact, then place. Linear in the vendor's fields and both sides' rows.
std::vector<FieldChange> field_changes(const promises::VendorRules& rules, const Promised& before,
                                       const Promised& after);

}  // namespace poolcpuid::compare
