#include "poolcpuid/floor.hpp"

#include <algorithm>
#include <utility>

#include "base/hex.hpp"
#include "compare/behind_policy.hpp"
#include "compare/breach.hpp"
#include "compare/order.hpp"
#include "merge/pool_variants.hpp"

namespace poolcpuid {

namespace compare {

namespace {

FloorLoss loss_of(const promises::VendorRules& rules, const BrokenAtom& atom) {
    FloorLoss loss;
    if (atom.kind == AtomKind::component) {
        loss.field = "xsave state " + std::string(rules.rulebook().find_state(atom.component)->id);
        loss.promised = "kept";
        loss.result = "not kept";
        return loss;
    }
    const Field& field = rules.rulebook()[atom.field];
    loss.field = field.id;
    if (atom.kind == AtomKind::scrub) {
        loss.promised = "VERW scrubs";
        loss.result = "VERW is not known to scrub";
        return loss;
    }
    loss.promised = to_hex(atom.promised);
    loss.result = to_hex(atom.kept);
    loss.only_tells = field.rule == Rule::guarded;
    return loss;
}

HostList hosts_that_break(const BrokenAtom& atom, const BehindPolicy& behind,
                          const std::vector<merge::Variant>& variants) {
    HostList hosts;
    const std::vector<const BrokenAtom*> each = behind.broken_by_each(atom);
    for (std::size_t i = 0; i < variants.size(); ++i) {
        if (each[i] != nullptr) hosts.add(variants[i].hosts);
    }
    return hosts;
}

// What goes with another field is for want of the hosts that lack that one.
HostList hosts_behind(const std::string& field, const PoolPolicy& policy) {
    const auto at = std::find_if(policy.decisions.begin(), policy.decisions.end(),
                                 [&](const Decision& decision) { return decision.field == field; });
    return at == policy.decisions.end() ? HostList{} : at->because;
}

}  // namespace

}  // namespace compare

std::vector<FloorLoss> below_floor(const PoolState& state, const PoolPolicy& floor, const PoolPolicy& policy) {
    const merge::PoolVariants pool = merge::variants_of(state, most_names);
    const promises::HostPromises wanted = promises::promises_of(*pool.rules, floor);
    promises::HostPromises given = promises::promises_of(*pool.rules, policy);
    // Where the result asks for no VERW its registers do not show that every host is immune.
    given.atoms.scrubs |= pool.scrubs & given.scrub_unknown;

    std::vector<const promises::HostPromises*> hosts;
    for (const merge::Variant& variant : pool.variants) hosts.push_back(variant.promises.get());
    const compare::BehindPolicy behind(*pool.rules, wanted, std::move(hosts));

    std::vector<FloorLoss> losses;
    for (const compare::BrokenAtom& atom : compare::broken_atoms(*pool.rules, wanted, given)) {
        if (behind.is_kept_unseen(atom)) continue;
        FloorLoss loss = compare::loss_of(*pool.rules, atom);
        loss.hosts = compare::hosts_that_break(atom, behind, pool.variants);
        if (loss.hosts.count == 0) loss.hosts = compare::hosts_behind(loss.field, policy);
        losses.push_back(std::move(loss));
    }
    return losses;
}

}  // namespace poolcpuid
