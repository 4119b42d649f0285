// The partition of hosts into at most so many migration pools that gives up the least.
//
//   PoolSplit split = split_pool(builtin_rulebook(), hosts, {.most_pools = 3});
//   for (const SplitPool& pool : split.pools) ...
//
// A partition is the better, the fewer error findings its pools' policies have together; then the more it keeps:
// each pool's promises by their weight, times its hosts. Hosts that the merge cannot tell apart are one class and stay
// together, for parting them gains nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/diff.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// What a promise bit counts that a pool keeps, by what its loss would cost a guest. Only bits that guests are shown by
// default count, and none of an XSAVE state that the hosts lay out differently. Limits (min, max, equal) and VERW's
// promise do not: the first are no features, and the second is an error finding where it is lost.
struct ImpactWeight {
    Impact impact;
    std::uint64_t weight;
};
inline constexpr std::array impact_weights{
    ImpactWeight{Impact::security, 8},  // a mitigation that guests would do without
    ImpactWeight{Impact::crash, 4},     // most features: software that was built for it does not run without
    ImpactWeight{Impact::wrong_result, 4}, ImpactWeight{Impact::performance, 2}, ImpactWeight{Impact::cosmetic, 1},
};

struct SplitOptions {
    std::size_t most_pools = 2;                           // at least 1
    std::vector<std::vector<std::string>> keep_together;  // names of hosts that share a pool
};

// The best of all partitions is found for at most this many groups of classes that are kept together; 3^n steps.
inline constexpr std::size_t most_exact_groups = 12;

struct SplitPool {
    std::vector<std::string> hosts;  // all their names, sorted
    std::size_t classes = 0;
    std::string vendor;              // the CPUID vendor string
    std::uint64_t kept = 0;          // the weight of the promises that its policy keeps, for one host
    std::vector<FieldChange> gains;  // over the policy of all hosts of its vendor in one pool
    std::vector<Finding> errors;     // of its policy
    std::vector<Finding> cleared;    // findings (errors and warnings) of the one pool that its policy has not
};

// Migrations that end: between the hosts of two pools, which one pool would have.
struct EndedMigrations {
    std::size_t first = 0;  // places in PoolSplit::pools
    std::size_t second = 0;
};

struct PoolSplit {
    std::size_t most_pools = 0;
    bool exact = true;  // false: found by a heuristic, and a better one may exist
    std::size_t hosts = 0;
    std::size_t classes = 0;
    std::vector<SplitPool> pools;  // the most hosts first, then by the first name
    std::vector<EndedMigrations> ended;
    // Weights of kept promises, summed over hosts.
    std::uint64_t kept = 0;
    std::uint64_t kept_by_one = 0;  // by one pool, or one for each vendor
    std::uint64_t bound = 0;        // what no partition exceeds: each group in a pool of its own
    std::size_t errors = 0;         // error findings of all pools
    std::size_t errors_of_one = 0;  // of the one pool, or of those of each vendor
};

// Computes the split. hosts: named, each name once; their order changes nothing. Throws UsageError for no pool, a name
// to keep together that no host has, or hosts of two vendors to keep together; NoPolicyError when there are more
// vendors than pools, a vendor that the rulebook does not know, or hosts without any policy. Exact up to
// most_exact_groups; beyond that pools are merged two by two, the cheapest first, and hosts moved and swapped between
// them as long as that helps: quadratic in the classes for each round.
PoolSplit split_pool(const Rulebook& rulebook, const std::vector<HostDump>& hosts, const SplitOptions& options);

// The split as a JSON document (schemas/split.schema.json): deterministic, ends with a newline.
std::string to_json(const PoolSplit& split, const Rulebook& rulebook);

}  // namespace poolcpuid
