#include "merge/floor.hpp"

#include <algorithm>
#include <string>

#include "base/hex.hpp"
#include "compare/order.hpp"

namespace poolcpuid::merge {

namespace {

bool same_atom(const BrokenAtom& a, const BrokenAtom& b) {
    return a.kind == b.kind && a.field == b.field && a.subleaf == b.subleaf && a.component == b.component;
}

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
    std::vector<std::vector<BrokenAtom>> by_variant;
    for (const Variant& variant : variants) by_variant.push_back(broken_atoms(plan, wanted, *variant.promises));

    std::vector<FloorLoss> result;
    for (const BrokenAtom& atom : broken_atoms(plan, wanted, given)) {
        FloorLoss loss = describe(plan, atom);
        HostList hosts;
        for (std::size_t i = 0; i < variants.size(); ++i) {
            const bool breaks = std::any_of(by_variant[i].begin(), by_variant[i].end(),
                                            [&](const BrokenAtom& other) { return same_atom(atom, other); });
            if (breaks) hosts.add(variants[i].hosts);
        }
        loss.hosts = std::move(hosts.names);
        result.push_back(std::move(loss));
    }
    return result;
}

}  // namespace poolcpuid::merge
