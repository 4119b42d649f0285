#include "compare/limiting_hosts.hpp"

#include "merge/pool_variants.hpp"

namespace poolcpuid::compare {

namespace {

// The hosts on which VERW does not scrub, or is not known to, a set for each guard that is counted on: VERW is asked
// for because of others, so that no decision names them.
HostSets unscrubbed_sets(const promises::VendorRules& rules, const PoolState& state, const IsCountedOn& is_counted_on) {
    HostSets sets;
    const merge::PoolVariants pool = merge::variants_of(state, every_name);
    for (std::size_t i = 0; i < rules.guards().size(); ++i) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        if ((pool.scrubs & bit) != 0 || !is_counted_on(rules.guards()[i])) continue;
        const merge::VariantSet open = merge::variants_where(
            pool.variants, [&](const merge::Variant& variant) { return (variant.promises->atoms.scrubs & bit) == 0; });
        sets.insert(merge::hosts_of(open, every_name).names);
    }
    return sets;
}

}  // namespace

HostSets limiting_sets(const promises::VendorRules& rules, const PoolState& state, const PoolPolicy& whole,
                       const IsCountedOn& is_counted_on) {
    std::set<std::string> all;
    for (const auto& [name, digest] : state.names()) all.insert(name);
    HostSets sets;
    const auto add = [&](std::vector<std::string> hosts) {
        std::erase_if(hosts, [&](const std::string& name) { return !all.contains(name); });
        if (!hosts.empty() && hosts.size() < all.size()) sets.insert(std::move(hosts));
    };
    for (const Decision& decision : whole.decisions) {
        if (decision.rule != to_string(Rule::identity)) add(decision.because.names);
    }
    for (const std::vector<std::string>& hosts : unscrubbed_sets(rules, state, is_counted_on)) add(hosts);
    return sets;
}

}  // namespace poolcpuid::compare
