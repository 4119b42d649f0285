#include "merge/floor.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hex.hpp"
#include "compare/behind_policy.hpp"
#include "compare/order.hpp"

namespace poolcpuid::merge {

namespace {

FloorLoss describe(const Plan& plan, const BrokenAtom& atom) {
    if (atom.kind == AtomKind::component) {
        const auto& all = plan.rulebook().xsave;
        const auto at = std::find_if(all.begin(), all.end(),
                                     [&](const XsaveComponent& component) { return component.bit == atom.component; });
        return {"xsave state " + std::string(at->id), "kept", "not kept", {}};
    }
    const std::string field(plan.rulebook()[atom.field].id);
    if (atom.kind == AtomKind::scrub) return {field, "VERW scrubs", "VERW is not known to scrub", {}};
    return {field, to_hex(atom.promised), to_hex(atom.kept), {}};
}

}  // namespace

std::vector<FloorLoss> losses(const Plan& plan, const HostPromises& wanted, const HostPromises& given,
                              const std::vector<Variant>& variants) {
    std::vector<const HostPromises*> hosts_promises;
    for (const Variant& variant : variants) hosts_promises.push_back(variant.promises.get());
    const BehindPolicy behind(plan, wanted, std::move(hosts_promises));

    std::vector<FloorLoss> result;
    for (const BrokenAtom& atom : broken_atoms(plan, wanted, given)) {
        if (behind.is_kept_unseen(atom)) continue;
        FloorLoss loss = describe(plan, atom);
        HostList hosts;
        const std::vector<const BrokenAtom*> each = behind.broken_by_each(atom);
        for (std::size_t i = 0; i < variants.size(); ++i) {
            if (each[i] != nullptr) hosts.add(variants[i].hosts);
        }
        loss.hosts = std::move(hosts.names);
        result.push_back(std::move(loss));
    }
    return result;
}

}  // namespace poolcpuid::merge
