// A what-if over pools of real hosts is what diff says of two documents: of the pool, and of the others merged alone.
// A document need not say that its hosts need no VERW: then diff says that it is not known.

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "poolcpuid/diff.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/what_if.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::what_if_test {

namespace {

using Hosts = std::vector<HostDump>;

// Real hosts that have a policy by themselves, by vendor.
std::map<std::string, Hosts> hosts_by_vendor() {
    std::map<std::string, Hosts> hosts;
    for (const HostDump& host : real_hosts()) {
        try {
            hosts[Merged({host}).policy.vendor].push_back(host);
        } catch (const NoPolicyError&) {
        }
    }
    return hosts;
}

// The fields that are gained, sorted.
Names fields_of(const std::vector<FieldChange>& changes) {
    Names fields;
    for (const FieldChange& change : changes) {
        if (change.direction == Direction::gains) fields.push_back(change.field);
    }
    std::sort(fields.begin(), fields.end());
    return fields;
}

// Without those of which the difference says that it is not known.
std::vector<FieldChange> known_to(const Difference& difference, std::vector<FieldChange> gains) {
    std::erase_if(gains, [&](const FieldChange& gain) {
        return std::any_of(difference.changes.begin(), difference.changes.end(), [&](const FieldChange& change) {
            return change.field == gain.field && change.direction != Direction::gains && !change.known;
        });
    });
    return gains;
}

Hosts without(Hosts hosts, const Names& gone) {
    std::erase_if(hosts,
                  [&](const HostDump& host) { return std::find(gone.begin(), gone.end(), host.name) != gone.end(); });
    return hosts;
}

}  // namespace

TEST_CASE("what a pool gains without hosts is what diff finds gained in the policy of the others",
          "[corpus][what-if]") {
    constexpr std::size_t pools = 60;
    const auto all = hosts_by_vendor();
    std::mt19937 random(20);
    std::size_t gains = 0;
    for (std::size_t i = 0; i < std::max<std::size_t>(4, pools / law_divisor()); ++i) {
        const Hosts& from = all.at(i % 3 == 2 ? "AuthenticAMD" : "GenuineIntel");
        Hosts hosts;
        std::sample(from.begin(), from.end(), std::back_inserter(hosts), 2 + random() % 5, random);
        PoolState state(builtin_rulebook());
        for (const HostDump& host : hosts) state.add(host);
        const MergeOptions options = with_all_names({});
        const PoolPolicy whole = state.finish(options);
        for (const WhatIf& what_if : what_ifs(builtin_rulebook(), state, options, whole)) {
            Names names;
            for (const HostDump& host : hosts) names.push_back(host.name);
            CAPTURE(i, names, what_if.hosts);
            const PoolPolicy rest = Merged(without(hosts, what_if.hosts)).policy;
            const Difference difference = differences(builtin_rulebook(), whole, rest);
            CHECK(fields_of(known_to(difference, what_if.gains)) == fields_of(difference.changes));
            gains += what_if.gains.size();
        }
    }
    CHECK(gains > 0);
}

}  // namespace poolcpuid::test::what_if_test
