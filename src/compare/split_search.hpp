// The search for the best partition of groups of hosts into pools.
#pragma once

#include <cstddef>
#include <vector>

#include "compare/split_score.hpp"

namespace poolcpuid::compare {

// SplitGroups of hosts of all vendors, and the scores of pools of them.
class SplitGroups {
public:
    // scorers: by vendor. Both must outlive this.
    SplitGroups(const std::vector<VendorScorer>& scorers, const std::vector<Meet>& groups)
        : scorers_(scorers), groups_(groups) {}

    std::size_t size() const noexcept { return groups_.size(); }
    const Meet& operator[](std::size_t group) const noexcept { return groups_[group]; }

    // False, and nothing done, where they are of two vendors: no pool has both.
    bool meet(Meet& pool, const Meet& other) const;
    Score score(const Meet& pool) const;

private:
    const std::vector<VendorScorer>& scorers_;
    const std::vector<Meet>& groups_;
};

// Pools as lists of groups, each sorted, by the first group.
using Partition = std::vector<std::vector<std::size_t>>;

// The score of a partition. A pool of two vendors is not allowed.
Score score_of(const SplitGroups& groups, const Partition& partition);

// The best partition into at most most_pools, of which there is one: no more vendors than pools. Of equal ones always
// the same. 3^n, for at most most_exact_groups.
Partition best_partition(const SplitGroups& groups, std::size_t most_pools);

// A good one: pools merged two by two, then groups moved and swapped while that helps.
Partition good_partition(const SplitGroups& groups, std::size_t most_pools);

}  // namespace poolcpuid::compare
