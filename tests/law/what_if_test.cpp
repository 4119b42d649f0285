// A what-if over generated pools is what two merges that know nothing of each other say.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/what_if.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_generator.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::what_if_test {

namespace {

using Hosts = std::vector<std::string>;

std::vector<FieldChange> gains_between(const PoolPolicy& before, const PoolPolicy& after) {
    std::vector<FieldChange> gains = differences(builtin_rulebook(), before, after).changes;
    std::erase_if(gains, [](const FieldChange& change) { return change.direction != Direction::gains; });
    return gains;
}

PoolPolicy merged(const std::vector<HostDump>& hosts, const Hosts& without) {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : hosts) {
        if (std::find(without.begin(), without.end(), host.name) == without.end()) state.add(host);
    }
    return state.finish_promises({});  // with what its hosts say, and no document
}

// The hosts of which the bits of number are set.
Hosts chosen(const std::vector<HostDump>& hosts, unsigned number) {
    Hosts names;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (((number >> i) & 1U) != 0) names.push_back(hosts[i].name);
    }
    return names;
}

}  // namespace

TEST_CASE("a what-if gains what the policy of the other hosts has more, for every set of hosts", "[law][what-if]") {
    constexpr std::size_t pools = 12;
    constexpr std::size_t hosts_a_pool = 4;
    std::size_t gains = 0;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, pools / law_divisor()); ++i) {
        const auto seed = static_cast<std::uint32_t>(law_seed() + 9 * 1000003U + i);
        CAPTURE(seed, i);
        HostGenerator generate(seed);
        const std::vector<HostDump> hosts = generate.pool(generate.vendor(), hosts_a_pool);
        PoolState state(builtin_rulebook());
        for (const HostDump& host : hosts) state.add(host);
        const MergeOptions options = with_all_names({});
        const PoolPolicy whole = state.finish(options);
        for (const WhatIf& what_if : what_ifs(builtin_rulebook(), state, options, whole)) {
            CHECK(what_if.gains == gains_between(whole, merged(hosts, what_if.hosts)));
            gains += what_if.gains.size();
        }
        for (unsigned number = 1; number + 1 < 1U << hosts.size(); ++number) {
            const Hosts names = chosen(hosts, number);
            const WhatIf what_if = without(builtin_rulebook(), state, options, whole, names);
            CHECK(what_if.gains == gains_between(whole, merged(hosts, names)));
        }
    }
    CHECK(gains > 0);
}

}  // namespace poolcpuid::test::what_if_test
