#include "poolcpuid/what_if.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "compare/field_changes.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/error.hpp"

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
          whole_{merge::promises_of(plan_, whole), true} {}

    WhatIf without(std::vector<std::string> hosts) const {
        std::sort(hosts.begin(), hosts.end());
        hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
        const PoolState rest = state_.without(hosts);
        if (rest.host_count() == 0) throw UsageError("without these hosts there is no pool");
        WhatIf result{std::move(hosts), {}};
        const PoolPolicy policy = rest.finish_promises(without_lost_identity(options_, rest));
        result.gains = compare::field_changes(plan_, whole_, {merge::promises_of(plan_, policy), true});
        std::erase_if(result.gains, [](const FieldChange& change) { return change.direction != Direction::gains; });
        return result;
    }

private:
    const PoolState& state_;
    const MergeOptions& options_;
    merge::Plan plan_;
    compare::Promised whole_;
};

// The sets of hosts that limit a field, without a ceiling's policy, which is no host that could leave.
std::set<std::vector<std::string>> limiting_sets(const PoolState& state, const PoolPolicy& whole) {
    std::set<std::string> all;
    for (const auto& [name, digest] : state.names()) all.insert(name);
    std::set<std::vector<std::string>> sets;
    for (const Decision& decision : whole.decisions) {
        if (decision.rule == to_string(Rule::identity)) continue;
        std::vector<std::string> hosts = decision.because.names;
        std::erase_if(hosts, [&](const std::string& name) { return !all.contains(name); });
        if (!hosts.empty() && hosts.size() < all.size()) sets.insert(std::move(hosts));
    }
    return sets;
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
    return what_ifs(rulebook, state, options, whole, [](const std::vector<std::string>&) { return true; });
}

std::vector<WhatIf> what_ifs(const Rulebook& rulebook, const PoolState& state, const MergeOptions& options,
                             const PoolPolicy& whole,
                             const std::function<bool(const std::vector<std::string>&)>& which) {
    const Asker asker(rulebook, state, options, whole);
    std::vector<WhatIf> result;
    for (const std::vector<std::string>& hosts : limiting_sets(state, whole)) {
        if (!which(hosts)) continue;
        WhatIf what_if = asker.without(hosts);
        if (!what_if.gains.empty()) result.push_back(std::move(what_if));
    }
    std::stable_sort(result.begin(), result.end(), [](const WhatIf& a, const WhatIf& b) {
        return std::tuple(b.gains.size(), a.hosts.size(), a.hosts) <
               std::tuple(a.gains.size(), b.hosts.size(), b.hosts);
    });
    return result;
}

}  // namespace poolcpuid
