#include "compare/behind_policy.hpp"

#include <algorithm>
#include <utility>

#include "merge/pool.hpp"

namespace poolcpuid::compare {

using merge::HostPromises;
using merge::Plan;

namespace {

bool are_of_one_promise(const BrokenAtom& a, const BrokenAtom& b) {
    return a.kind == b.kind && a.field == b.field && a.subleaf == b.subleaf && a.component == b.component;
}

}  // namespace

BehindPolicy::BehindPolicy(const Plan& plan, const HostPromises& promised, std::vector<const HostPromises*> hosts)
    : plan_(plan), hosts_(std::move(hosts)) {
    for (const HostPromises* host : hosts_) broken_.push_back(broken_atoms(plan, promised, *host));
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
               return merge::seen_value(plan_, *host, atom.field, atom.subleaf).implied;
           });
}

}  // namespace poolcpuid::compare
