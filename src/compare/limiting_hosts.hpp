// Which hosts limit a pool: the sets of which it is asked what they cost.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "poolcpuid/pool_state.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

// Of a list of hosts, all of them.
inline constexpr std::size_t every_name = std::numeric_limits<std::size_t>::max();

// Sets of hosts, the names of each sorted.
using HostSets = std::set<std::vector<std::string>>;

// Whether it matters that VERW scrubs what a guarded field is about.
using IsCountedOn = std::function<bool(const promises::GuardSlot&)>;

// The sets of hosts that limit a field, without a ceiling's policy, which is no host that could leave: the `because` of
// each decision of whole, and for each guard that is counted on those on which VERW does not scrub, or is not known to.
// whole: the policy of state, with every name. Linear in the decisions, and in the guards times the kinds of hosts.
HostSets limiting_sets(const promises::VendorRules& rules, const PoolState& state, const PoolPolicy& whole,
                       const IsCountedOn& is_counted_on);

// Sorts answers about such sets (what-ifs or prices): the most gains first, then the fewest hosts, then by name.
template <typename Answer>
void sort_answers(std::vector<Answer>& answers) {
    std::stable_sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) {
        return std::tuple(b.gains.size(), a.hosts.size(), a.hosts) <
               std::tuple(a.gains.size(), b.hosts.size(), b.hosts);
    });
}

}  // namespace poolcpuid::compare
