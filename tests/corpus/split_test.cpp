// The split of real hosts into pools against every partition that there is, each pool merged and judged by itself.

#include <algorithm>
#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_split.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::split_test {

namespace {

using Hosts = std::vector<HostDump>;

// Real hosts of a vendor that have a policy by themselves.
Hosts hosts_of(const std::string& vendor) {
    Hosts hosts;
    for (const HostDump& host : real_hosts()) {
        if (vendor_string(host.first_table()) != vendor) continue;
        try {
            PoolState state(builtin_rulebook());
            state.add(host);
            state.finish_promises({});
            hosts.push_back(host);
        } catch (const NoPolicyError&) {
        }
    }
    return hosts;
}

// Some of them, each once to three times under other names, so that classes have weights.
Hosts sample(const Hosts& from, std::size_t classes, std::mt19937& random) {
    Hosts hosts;
    for (std::size_t i = 0; i < classes; ++i) {
        const HostDump& host = from[random() % from.size()];
        const std::size_t copies = 1 + random() % 3;
        for (std::size_t copy = 0; copy < copies; ++copy) {
            hosts.push_back(host);
            hosts.back().name = std::to_string(i) + "-" + std::to_string(copy);
        }
    }
    return hosts;
}

struct Judged {
    std::size_t errors = 0;
    std::uint64_t kept = 0;

    bool beats(const Judged& other) const { return std::tie(errors, other.kept) < std::tie(other.errors, kept); }
    friend bool operator==(const Judged&, const Judged&) = default;
};

// Pools of groups of hosts, whose errors are those that a merge says.
class Judge {
public:
    explicit Judge(const std::vector<Hosts>& groups) : groups_(groups) {}

    Judged pool(unsigned set) {
        const auto [at, fresh] = known_.emplace(set, Judged{});
        if (!fresh) return at->second;
        Hosts hosts;
        PoolState state(builtin_rulebook());
        for (std::size_t i = 0; i < groups_.size(); ++i) {
            if (((set >> i) & 1U) != 0) hosts.insert(hosts.end(), groups_[i].begin(), groups_[i].end());
        }
        for (const HostDump& host : hosts) state.add(host);
        for (const Finding& finding : state.finish({}).findings) {
            at->second.errors += finding.severity == Severity::error ? 1 : 0;
        }
        at->second.kept = split_pool(builtin_rulebook(), hosts, {1, {}}).kept;
        return at->second;
    }

    // The best of all partitions into at most so many pools: the pool of the first group, then those of the rest.
    Judged best(unsigned set, std::size_t pools) {
        if (set == 0) return {};
        Judged best{~std::size_t{0}, 0};
        if (pools == 0) return best;
        const unsigned lowest = set & (~set + 1);
        for (unsigned more = set ^ lowest;; more = (more - 1) & (set ^ lowest)) {
            const unsigned rest = set ^ lowest ^ more;
            if (rest == 0 || pools > 1) {
                Judged sum = pool(lowest | more);
                const Judged others = this->best(rest, pools - 1);
                sum.errors += others.errors;
                sum.kept += others.kept;
                if (sum.beats(best)) best = sum;
            }
            if (more == 0) break;
        }
        return best;
    }

private:
    const std::vector<Hosts>& groups_;
    std::map<unsigned, Judged> known_;
};

// Hosts by the number before the dash in their names.
std::vector<Hosts> groups_of(const Hosts& hosts, std::size_t classes) {
    std::vector<Hosts> groups(classes);
    for (const HostDump& host : hosts) groups[std::stoul(host.name)].push_back(host);
    return groups;
}

Judged judged(const PoolSplit& split) { return {split.errors, split.kept}; }

}  // namespace

TEST_CASE("a split is the best of all partitions", "[corpus][split]") {
    std::mt19937 random(20261129);
    std::size_t count = 0;
    for (const char* vendor : {"AuthenticAMD", "GenuineIntel"}) {
        const Hosts all = hosts_of(vendor);
        for (std::size_t round = 0; round < 6; ++round) {
            const std::size_t classes = 2 + round;
            const Hosts hosts = sample(all, classes, random);
            if (!is_in_part(count)) continue;
            const std::vector<Hosts> groups = groups_of(hosts, classes);
            Judge judge(groups);
            for (std::size_t pools = 1; pools <= 3; ++pools) {
                CAPTURE(vendor, round, pools);
                const PoolSplit split = split_pool(builtin_rulebook(), hosts, {pools, {}});
                CHECK(split.exact);
                CHECK(split.pools.size() <= pools);
                CHECK(judged(split) == judge.best((1U << classes) - 1, pools));
                CHECK(split.kept <= split.bound);
                CHECK(split.kept >= split.kept_by_one);
            }
        }
    }
}

TEST_CASE("the order of hosts changes no byte of a split, and what is kept together stays", "[corpus][split]") {
    std::mt19937 random(4711);
    Hosts hosts = sample(hosts_of("GenuineIntel"), 6, random);
    const std::string before = to_json(split_pool(builtin_rulebook(), hosts, {3, {}}), builtin_rulebook());
    std::shuffle(hosts.begin(), hosts.end(), random);
    CHECK(to_json(split_pool(builtin_rulebook(), hosts, {3, {}}), builtin_rulebook()) == before);
    const PoolSplit split = split_pool(builtin_rulebook(), hosts, {3, {{"0-0", "1-0", "2-0"}, {"2-0", "3-0"}}});
    for (const SplitPool& pool : split.pools) {
        const auto has = [&](const char* name) {
            return std::find(pool.hosts.begin(), pool.hosts.end(), name) != pool.hosts.end();
        };
        CHECK(has("0-0") == has("3-0"));
        CHECK(has("1-0") == has("2-0"));
        CHECK(has("0-0") == has("1-0"));
    }
}

TEST_CASE("the heuristic, for many classes, is deterministic and between one pool and the bound", "[corpus][split]") {
    Hosts hosts = hosts_of("GenuineIntel");
    hosts.resize(std::min<std::size_t>(hosts.size(), 60));
    const Hosts amd = hosts_of("AuthenticAMD");
    hosts.insert(hosts.end(), amd.begin(), amd.begin() + std::min<std::ptrdiff_t>(20, std::ssize(amd)));
    const PoolSplit split = split_pool(builtin_rulebook(), hosts, {4, {}});
    CHECK_FALSE(split.exact);
    CHECK(split.pools.size() <= 4);
    CHECK(split.kept > split.kept_by_one);
    CHECK(split.kept <= split.bound);
    std::size_t count = 0;
    for (const SplitPool& pool : split.pools) count += pool.hosts.size();
    CHECK(count == hosts.size());
    std::mt19937 random(1);
    std::shuffle(hosts.begin(), hosts.end(), random);
    CHECK(to_json(split_pool(builtin_rulebook(), hosts, {4, {}}), builtin_rulebook()) ==
          to_json(split, builtin_rulebook()));
    CHECK_THROWS_AS(split_pool(builtin_rulebook(), hosts, {1, {}}), NoPolicyError);
}

}  // namespace poolcpuid::test::split_test
