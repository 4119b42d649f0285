#include "merge/pool.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "poolcpuid/policy.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::merge {

namespace {

void place_names(std::vector<Variant>& variants) {
    auto all = std::make_shared<std::vector<std::string>>();
    for (const Variant& variant : variants) {
        all->insert(all->end(), variant.hosts.names.begin(), variant.hosts.names.end());
    }
    std::sort(all->begin(), all->end());
    for (Variant& variant : variants) {
        variant.all_names = all;
        for (const std::string& name : variant.hosts.names) {
            const auto at = std::lower_bound(all->begin(), all->end(), name);
            variant.places.push_back(static_cast<std::size_t>(at - all->begin()));
        }
    }
}

}  // namespace

std::vector<Variant> variants_of(const HostGroups& groups, std::size_t most) {
    std::vector<Variant> variants;
    std::map<const promises::HostPromises*, std::size_t> places;
    for (const auto& [digest, group] : groups) {
        const auto [at, fresh] = places.emplace(group.promises.get(), variants.size());
        if (fresh) variants.push_back({group.promises, {}, group.is_ceiling});
        variants[at->second].hosts.add(group.hosts, most);
    }
    place_names(variants);
    return variants;
}

VariantSet variants_where(const std::vector<Variant>& variants, const std::function<bool(const Variant&)>& which) {
    VariantSet found;
    for (const Variant& variant : variants) {
        if (which(variant)) found.insert(&variant);
    }
    return found;
}

HostList hosts_of(const VariantSet& variants, std::size_t most) {
    HostList hosts;
    std::vector<std::size_t> places;
    for (const Variant* variant : variants) {
        places.insert(places.end(), variant->places.begin(), variant->places.end());
        hosts.add({{}, variant->hosts.count, variant->hosts.cpus});
    }
    std::sort(places.begin(), places.end());
    if (places.size() > most) places.resize(most);
    hosts.names.reserve(places.size());
    for (const std::size_t place : places) hosts.names.push_back((*(*variants.begin())->all_names)[place]);
    return hosts;
}

const HostGroup* choose_identity(const HostGroups& groups, const std::string& requested) {
    if (!requested.empty()) {
        const auto at = groups.find(requested);
        return at == groups.end() || at->second.is_ceiling ? nullptr : &at->second;
    }
    const HostGroup* best = nullptr;
    const auto rank = [](const HostGroup& group) {
        // Of equally safe CPUs, the one whose caches and brand the dump says.
        return std::tuple(rulebook::lender_rank(group.promises->silicon.model), group.promises->silent_identity,
                          group.sha256);
    };
    for (const auto& [digest, group] : groups) {
        if (!group.is_ceiling && (best == nullptr || rank(group) < rank(*best))) best = &group;
    }
    return best;
}

}  // namespace poolcpuid::merge
