#include "poolcpuid/what_if.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "compare/field_changes.hpp"
#include "compare/price.hpp"
#include "merge/pool_variants.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid {

namespace {

// Asks about one pool as often as wanted: what is the same for every question is computed once.
class Asker {
public:
    // All must outlive the asker.
    Asker(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options, const PoolPolicy& whole)
        : state_(state),
          options_(options),
          plan_(rulebook, rulebook.vendor_of(whole.vendor).value()),
          whole_(compare::promised_by(plan_, whole)) {}

    WhatIf without(std::vector<std::string> hosts) const {
        std::sort(hosts.begin(), hosts.end());
        hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
        const PoolState rest = state_.without(hosts);
        if (rest.host_count() == 0) throw UsageError("without these hosts there is no pool");
        WhatIf result{std::move(hosts), {}, rest.finish_promises(without_lost_identity(options_, rest))};
        result.gains = compare::gained(plan_, whole_, compare::promised_by(plan_, result.policy));
        return result;
    }

    const promises::VendorRules& rules() const noexcept { return plan_; }

private:
    const PoolState& state_;
    const MergeOptions& options_;
    promises::VendorRules plan_;
    compare::Promised whole_;
};

constexpr std::size_t every_name = std::numeric_limits<std::size_t>::max();

using HostSets = std::set<std::vector<std::string>>;

// Whether it matters that VERW scrubs what a guarded field is about.
using IsCountedOn = std::function<bool(const promises::GuardSlot&)>;

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

// The sets of hosts that limit a field, without a ceiling's policy, which is no host that could leave.
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

// What-ifs or prices: the most gains first, then the fewest hosts, then by name.
template <typename Answer>
void sort_answers(std::vector<Answer>& answers) {
    std::stable_sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) {
        return std::tuple(b.gains.size(), a.hosts.size(), a.hosts) <
               std::tuple(a.gains.size(), b.hosts.size(), b.hosts);
    });
}

// Asks what some hosts cost a pool, as often as wanted.
class Pricer {
public:
    // Both must outlive it.
    Pricer(const promises::VendorRules& rules, const compare::ChangedPool& pool)
        : rules_(rules),
          pool_(pool),
          lost_(compare::broken(pool.changes)),
          before_(compare::promised_by(rules, pool.before)) {}

    // Whether the policy loses something of a guarded field.
    bool is_lost(const promises::GuardSlot& slot) const {
        const Field& field = rules_.rulebook()[slot.field];
        return is_among(lost_, std::string(field.id), field.place(slot.subleaf));
    }

    HostPrice without(const std::vector<std::string>& hosts) const {
        const PoolState rest = pool_.state.without(hosts);
        const merge::PoolVariants kinds = merge::variants_of(rest, 1);
        const std::vector<FieldChange> still_lost = lost_with(rest, kinds);
        HostPrice price{hosts, lost_};
        std::erase_if(price.gains, [&](const FieldChange& change) {
            return is_among(still_lost, change.field, change.place) || is_untold_in_vain(change, kinds);
        });
        return price;
    }

private:
    static bool is_among(const std::vector<FieldChange>& changes, const std::string& field, const BitPlace& place) {
        return std::any_of(changes.begin(), changes.end(),
                           [&](const FieldChange& change) { return change.field == field && change.place == place; });
    }

    // Whether guests would not be told to run VERW where it scrubs not on all hosts, either: to be told costs them
    // nothing.
    bool is_untold_in_vain(const FieldChange& change, const merge::PoolVariants& rest) const {
        if (change.direction != Direction::relaxes) return false;
        const auto guard = rules_.find_guard(rules_.rulebook().find(change.field), change.place.subleaf_first);
        return guard && ((rest.scrubs >> *guard) & 1U) == 0;
    }

    // What the policy before promises and that of these hosts, who are of these kinds, does not keep.
    std::vector<FieldChange> lost_with(const PoolState& rest, const merge::PoolVariants& kinds) const {
        const PoolPolicy policy = rest.finish_promises(without_lost_identity(pool_.options, rest));
        std::vector<const promises::HostPromises*> hosts;
        for (const merge::Variant& kind : kinds.variants) hosts.push_back(kind.promises.get());
        return compare::broken(
            compare::field_changes(rules_, before_, compare::promised_by(rules_, policy, std::move(hosts))));
    }

    const promises::VendorRules& rules_;
    const compare::ChangedPool& pool_;
    std::vector<FieldChange> lost_;
    compare::Promised before_;
};

}  // namespace

MergeOptions with_all_names(MergeOptions options) {
    options.most_names = every_name;
    return options;
}

WhatIf without(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options, const PoolPolicy& whole,
               const std::vector<std::string>& hosts) {
    return Asker(rulebook, state, options, whole).without(hosts);
}

std::vector<WhatIf> what_ifs(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options,
                             const PoolPolicy& whole) {
    const Asker asker(rulebook, state, options, whole);
    const PolicyRegisters registers(whole);
    const auto value_of = [&](FieldIndex field, std::uint32_t subleaf) {
        return registers.value(rulebook[field], subleaf);
    };
    const auto is_counted_on = [&](const promises::GuardSlot& slot) {
        return asker.rules().asks_for_scrub(slot, value_of);
    };
    std::vector<WhatIf> result;
    for (const std::vector<std::string>& hosts : limiting_sets(asker.rules(), state, whole, is_counted_on)) {
        WhatIf what_if = asker.without(hosts);
        if (!what_if.gains.empty()) result.push_back(std::move(what_if));
    }
    sort_answers(result);
    return result;
}

std::vector<HostPrice> compare::prices(const Rulebook& rulebook, const ChangedPool& pool,
                                       const std::function<bool(const std::vector<std::string>&)>& which) {
    std::vector<HostPrice> result;
    if (compare::broken(pool.changes).empty()) return result;
    const PoolPolicy whole = pool.state.finish(pool.options);
    if (whole.vendor != pool.before.vendor) return result;  // no host gives that back
    const promises::VendorRules rules(rulebook, rulebook.vendor_of(whole.vendor).value());
    const Pricer pricer(rules, pool);
    const auto is_lost = [&](const promises::GuardSlot& slot) { return pricer.is_lost(slot); };
    for (const std::vector<std::string>& hosts : limiting_sets(rules, pool.state, whole, is_lost)) {
        if (!which(hosts)) continue;
        HostPrice price = pricer.without(hosts);
        if (!price.gains.empty()) result.push_back(std::move(price));
    }
    sort_answers(result);
    return result;
}

}  // namespace poolcpuid
