#include "compare/behind_policy.hpp"

#include <algorithm>
#include <utility>

#include "promises/seen_value.hpp"

namespace poolcpuid::compare {

using promises::HostPromises;
using promises::VendorRules;

namespace {

bool are_of_one_promise(const BrokenAtom& a, const BrokenAtom& b) {
    return a.kind == b.kind && a.field == b.field && a.subleaf == b.subleaf && a.component == b.component;
}

}  // namespace

BehindPolicy::BehindPolicy(const VendorRules& rules, const HostPromises& promised,
                           std::vector<const HostPromises*> hosts)
    : rules_(rules), hosts_(std::move(hosts)) {
    for (const HostPromises* host : hosts_) broken_.push_back(broken_atoms(rules, promised, *host));
}

std::vector<const BrokenAtom*> BehindPolicy::broken_by_each(const BrokenAtom& atom) const {
    std::vector<const BrokenAtom*> each;
    for (const std::vector<BrokenAtom>& broken : broken_) {
        const auto at = std::find_if(broken.begin(), broken.end(),
                                     [&](const BrokenAtom& other) { return are_of_one_promise(atom, other); });
        each.push_back(at == broken.end() ? nullptr : &*at);
    }
    return each;
}

bool BehindPolicy::is_kept_unseen(const BrokenAtom& atom) const {
    if (atom.kind != AtomKind::bits) return false;
    const std::vector<const BrokenAtom*> each = broken_by_each(atom);
    const bool all_keep_it = std::all_of(each.begin(), each.end(), [](const auto* other) { return other == nullptr; });
    return all_keep_it && std::any_of(hosts_.begin(), hosts_.end(), [&](const HostPromises* host) {
               return promises::seen_value(rules_, *host, atom.field, atom.subleaf).implied;
           });
}

}  // namespace poolcpuid::compare
