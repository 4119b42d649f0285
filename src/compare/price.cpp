#include "compare/price.hpp"

#include <algorithm>
#include <utility>

#include "compare/field_changes.hpp"
#include "compare/limiting_hosts.hpp"
#include "merge/pool_variants.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

namespace {

// Asks what some hosts cost a pool, as often as wanted.
class Pricer {
public:
    // Both must outlive it.
    Pricer(const promises::VendorRules& rules, const ChangedPool& pool)
        : rules_(rules), pool_(pool), lost_(broken(pool.changes)), before_(promised_by(rules, pool.before)) {}

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
        return broken(field_changes(rules_, before_, promised_by(rules_, policy, std::move(hosts))));
    }

    const promises::VendorRules& rules_;
    const ChangedPool& pool_;
    std::vector<FieldChange> lost_;
    Promised before_;
};

}  // namespace

std::vector<HostPrice> prices(const Rulebook& rulebook, const ChangedPool& pool,
                              const std::function<bool(const std::vector<std::string>&)>& which) {
    std::vector<HostPrice> result;
    if (broken(pool.changes).empty()) return result;
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

}  // namespace poolcpuid::compare
