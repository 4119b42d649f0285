#include "poolcpuid/what_if.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "compare/field_changes.hpp"
#include "compare/price.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/finding_code.hpp"
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

    // What a policy promises and the what-if's does not keep.
    std::vector<FieldChange> broken(const PoolPolicy& promised, const WhatIf& what_if) const {
        return compare::broken(compare::field_changes(plan_, compare::promised_by(plan_, promised),
                                                      compare::promised_by(plan_, what_if.policy)));
    }

private:
    const PoolState& state_;
    const MergeOptions& options_;
    promises::VendorRules plan_;
    compare::Promised whole_;
};

using HostSets = std::set<std::vector<std::string>>;

// The sets of hosts that limit a field, without a ceiling's policy, which is no host that could leave.
HostSets limiting_sets(const PoolState& state, const PoolPolicy& whole) {
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
    // VERW is asked for because of some hosts, and scrubs nothing because of others.
    for (const Finding& finding : whole.findings) {
        if (finding.code == FindingCode("verw-promise-lost")) add(finding.hosts.names);
    }
    return sets;
}

void sort_what_ifs(std::vector<WhatIf>& what_ifs) {
    std::stable_sort(what_ifs.begin(), what_ifs.end(), [](const WhatIf& a, const WhatIf& b) {
        return std::tuple(b.gains.size(), a.hosts.size(), a.hosts) <
               std::tuple(a.gains.size(), b.hosts.size(), b.hosts);
    });
}

}  // namespace

MergeOptions with_all_names(MergeOptions options) {
    options.most_names = std::numeric_limits<std::size_t>::max();
    return options;
}

WhatIf without(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options, const PoolPolicy& whole,
               const std::vector<std::string>& hosts) {
    return Asker(rulebook, state, options, whole).without(hosts);
}

std::vector<WhatIf> what_ifs(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options,
                             const PoolPolicy& whole) {
    const Asker asker(rulebook, state, options, whole);
    std::vector<WhatIf> result;
    for (const std::vector<std::string>& hosts : limiting_sets(state, whole)) {
        WhatIf what_if = asker.without(hosts);
        if (!what_if.gains.empty()) result.push_back(std::move(what_if));
    }
    sort_what_ifs(result);
    return result;
}

std::vector<WhatIf> compare::prices(const Rulebook& rulebook, const ChangedPool& pool,
                                    const std::function<bool(const std::vector<std::string>&)>& which) {
    const auto is_among = [](const std::vector<FieldChange>& changes, const FieldChange& wanted) {
        return std::any_of(changes.begin(), changes.end(), [&](const FieldChange& change) {
            return change.field == wanted.field && change.place == wanted.place;
        });
    };
    const std::vector<FieldChange> lost = compare::broken(pool.changes);
    std::vector<WhatIf> result;
    if (lost.empty()) return result;
    const PoolPolicy whole = pool.state.finish(pool.options);
    const Asker asker(rulebook, pool.state, pool.options, whole);
    for (const std::vector<std::string>& hosts : limiting_sets(pool.state, whole)) {
        if (!which(hosts)) continue;
        WhatIf price = asker.without(hosts);
        const std::vector<FieldChange> still_lost = asker.broken(pool.before, price);
        std::erase_if(price.gains,
                      [&](const FieldChange& gain) { return !is_among(lost, gain) || is_among(still_lost, gain); });
        if (!price.gains.empty()) result.push_back(std::move(price));
    }
    sort_what_ifs(result);
    return result;
}

}  // namespace poolcpuid
