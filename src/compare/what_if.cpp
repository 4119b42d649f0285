#include "poolcpuid/what_if.hpp"

#include <algorithm>
#include <utility>

#include "compare/field_changes.hpp"
#include "compare/limiting_hosts.hpp"
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

}  // namespace

MergeOptions with_all_names(MergeOptions options) {
    options.most_names = compare::every_name;
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
    for (const std::vector<std::string>& hosts : compare::limiting_sets(asker.rules(), state, whole, is_counted_on)) {
        WhatIf what_if = asker.without(hosts);
        if (!what_if.gains.empty()) result.push_back(std::move(what_if));
    }
    compare::sort_answers(result);
    return result;
}

}  // namespace poolcpuid
