// What the hosts behind a policy say of promises that the policy itself does not show.
#pragma once

#include <vector>

#include "compare/order.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

class BehindPolicy {
public:
    // promised: what is asked for. All must outlive this. One comparison for each host.
    BehindPolicy(const promises::VendorRules& rules, const promises::HostPromises& promised,
                 std::vector<const promises::HostPromises*> hosts);

    // The same atom as each host breaks it, parallel to hosts; nullptr: that one keeps it.
    std::vector<const BrokenAtom*> broken_by_each(const BrokenAtom& atom) const;

    // True when all keep it and some do not show it: no policy of theirs does then (implied_by "!…").
    bool is_kept_unseen(const BrokenAtom& atom) const;

private:
    const promises::VendorRules& rules_;
    std::vector<const promises::HostPromises*> hosts_;
    std::vector<std::vector<BrokenAtom>> broken_;  // parallel to hosts_
};

}  // namespace poolcpuid::compare
