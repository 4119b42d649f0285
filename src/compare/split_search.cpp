#include "compare/split_search.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

namespace poolcpuid::compare {

bool SplitGroups::meet(Meet& pool, const Meet& other) const {
    if (pool.hosts == 0) {
        pool = other;
        return true;
    }
    if (pool.vendor != other.vendor) return false;
    scorers_[pool.vendor].meet(pool, other);
    return true;
}

Score SplitGroups::score(const Meet& pool) const {
    if (pool.hosts == 0) return {};
    const VendorScorer& scorer = scorers_[pool.vendor];
    return {scorer.errors(pool), scorer.kept(pool) * pool.hosts, 1};
}

namespace {

Partition sorted(Partition partition) {
    std::erase_if(partition, [](const auto& pool) { return pool.empty(); });
    for (auto& pool : partition) std::sort(pool.begin(), pool.end());
    std::sort(partition.begin(), partition.end());
    return partition;
}

// For each set of groups the best partition into at most so many pools: a pool with the set's first group, and the best
// of the rest.
class Exact {
public:
    Exact(const SplitGroups& groups, std::size_t most_pools) : groups_(groups), most_pools_(most_pools) {}

    Partition run() {
        score_all();
        const std::size_t sets = scores_.size();
        std::vector<std::optional<Score>> best(sets);  // into at most as many pools as the round's number
        std::vector<std::vector<std::uint32_t>> first(most_pools_ + 1, std::vector<std::uint32_t>(sets, 0));
        best[0] = Score{};
        for (std::size_t pools = 1; pools <= most_pools_; ++pools) {
            std::vector<std::optional<Score>> next(sets);
            next[0] = Score{};
            for (std::uint32_t set = 1; set < sets; ++set) {
                const std::uint32_t lowest = set & (~set + 1);
                const std::uint32_t others = set ^ lowest;
                for (std::uint32_t more = others;; more = (more - 1) & others) {
                    const std::uint32_t pool = more | lowest;
                    if (scores_[pool] && best[set ^ pool]) {
                        Score score = *scores_[pool];
                        score += *best[set ^ pool];
                        if (!next[set] || score.beats(*next[set])) {
                            next[set] = score;
                            first[pools][set] = pool;
                        }
                    }
                    if (more == 0) break;
                }
            }
            best = std::move(next);
        }
        Partition partition;
        std::uint32_t set = static_cast<std::uint32_t>(sets - 1);
        for (std::size_t pools = most_pools_; set != 0; --pools) {
            const std::uint32_t pool = first[pools][set];
            partition.emplace_back();
            for (std::size_t i = 0; i < groups_.size(); ++i) {
                if (((pool >> i) & 1U) != 0) partition.back().push_back(i);
            }
            set ^= pool;
        }
        return sorted(std::move(partition));
    }

private:
    void score_all() {
        const std::size_t sets = std::size_t{1} << groups_.size();
        std::vector<std::optional<Meet>> meets(sets);
        scores_.resize(sets);
        meets[0] = Meet{};
        for (std::size_t set = 1; set < sets; ++set) {
            std::optional<Meet> pool = meets[set & (set - 1)];
            if (pool && groups_.meet(*pool, groups_[static_cast<std::size_t>(std::countr_zero(set))])) {
                scores_[set] = groups_.score(*pool);
                meets[set] = std::move(pool);
            }
        }
    }

    const SplitGroups& groups_;
    std::size_t most_pools_;
    std::vector<std::optional<Score>> scores_;  // by set; nothing for one of two vendors
};

class Heuristic {
public:
    Heuristic(const SplitGroups& groups, std::size_t most_pools) : groups_(groups), most_pools_(most_pools) {}

    Partition run() {
        for (std::size_t i = 0; i < groups_.size(); ++i) pools_.push_back({{i}, groups_[i], groups_.score(groups_[i])});
        merge_all();
        pools_.resize(most_pools_);  // those that are empty are there to be moved to
        while (move_one() || swap_two()) {
        }
        Partition partition;
        for (const Pool& pool : pools_) partition.push_back(pool.groups);
        return sorted(std::move(partition));
    }

private:
    struct Pool {
        std::vector<std::size_t> groups;
        Meet meet;
        Score score;
    };

    std::optional<Score> together(const Pool& a, const Pool& b) const {
        Meet pool = a.meet;
        if (!groups_.meet(pool, b.meet)) return std::nullopt;
        return groups_.score(pool);
    }

    // What the sum of two scores becomes: the lower, the better.
    struct Cost {
        std::int64_t errors = 0;
        std::int64_t kept = 0;
        auto operator<=>(const Cost&) const = default;
    };

    static Cost cost(const Score& after, const Score& a, const Score& b) noexcept {
        const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
        return {number(after.errors) - number(a.errors) - number(b.errors),
                number(a.kept) + number(b.kept) - number(after.kept)};
    }

    // The two that cost the least become one, until there are no more pools than are allowed. Costs of pairs are kept,
    // as all but those of the new pool stay.
    void merge_all() {
        std::vector<std::vector<std::optional<Cost>>> costs(pools_.size());
        for (std::size_t a = 0; a < pools_.size(); ++a) {
            costs[a].resize(pools_.size());
            for (std::size_t b = 0; b < a; ++b) costs[a][b] = cost_of(a, b);
        }
        for (std::size_t left = pools_.size(); left > most_pools_; --left) {
            std::optional<Cost> least;
            std::pair<std::size_t, std::size_t> pair;
            for (std::size_t a = 0; a < pools_.size(); ++a) {
                for (std::size_t b = 0; b < a; ++b) {
                    if (!costs[a][b] || (least && !(*costs[a][b] < *least))) continue;
                    least = costs[a][b];
                    pair = {a, b};
                }
            }
            const auto [gone, kept] = pair;
            join(pools_[kept], pools_[gone]);
            for (std::size_t other = 0; other < pools_.size(); ++other) {
                costs[std::max(other, gone)][std::min(other, gone)].reset();
                if (other == kept || pools_[other].groups.empty()) continue;
                costs[std::max(other, kept)][std::min(other, kept)] = cost_of(other, kept);
            }
        }
        std::erase_if(pools_, [](const Pool& pool) { return pool.groups.empty(); });
    }

    std::optional<Cost> cost_of(std::size_t a, std::size_t b) const {
        const auto score = together(pools_[a], pools_[b]);
        if (!score) return std::nullopt;
        return cost(*score, pools_[a].score, pools_[b].score);
    }

    void join(Pool& into, Pool& from) {
        groups_.meet(into.meet, from.meet);
        into.groups.insert(into.groups.end(), from.groups.begin(), from.groups.end());
        into.score = groups_.score(into.meet);
        from = {};
    }

    // The pool of these groups; nothing where they are of two vendors.
    std::optional<Pool> pool_of(std::vector<std::size_t> groups) const {
        Pool pool;
        for (const std::size_t group : groups) {
            if (!groups_.meet(pool.meet, groups_[group])) return std::nullopt;
        }
        pool.groups = std::move(groups);
        pool.score = groups_.score(pool.meet);
        return pool;
    }

    static std::vector<std::size_t> without(std::vector<std::size_t> groups, std::size_t group) {
        std::erase(groups, group);
        return groups;
    }

    static bool better(const Pool& a, const Pool& b, const Pool& old_a, const Pool& old_b) {
        Score now = a.score;
        now += b.score;
        Score before = old_a.score;
        before += old_b.score;
        return now.beats(before);
    }

    // Moves the first group that is better off in another pool.
    bool move_one() {
        for (Pool& from : pools_) {
            for (const std::size_t group : from.groups) {
                const auto rest = pool_of(without(from.groups, group));
                for (Pool& to : pools_) {
                    if (&to == &from) continue;
                    Pool more = to;
                    if (!groups_.meet(more.meet, groups_[group])) continue;
                    more.groups.push_back(group);
                    more.score = groups_.score(more.meet);
                    if (!better(*rest, more, from, to)) continue;
                    from = *rest;
                    to = std::move(more);
                    return true;
                }
            }
        }
        return false;
    }

    // Swaps the first two groups of different pools that are better off so.
    bool swap_two() {
        for (std::size_t i = 0; i < pools_.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (swap_between(pools_[i], pools_[j])) return true;
            }
        }
        return false;
    }

    bool swap_between(Pool& a, Pool& b) {
        if (a.meet.vendor != b.meet.vendor) return false;
        const std::vector<Pool> rests_of_a = rests(a);
        const std::vector<Pool> rests_of_b = rests(b);
        for (std::size_t i = 0; i < a.groups.size(); ++i) {
            for (std::size_t j = 0; j < b.groups.size(); ++j) {
                Pool new_a = with(rests_of_a[i], b.groups[j]);
                Pool new_b = with(rests_of_b[j], a.groups[i]);
                if (!better(new_a, new_b, a, b)) continue;
                a = std::move(new_a);
                b = std::move(new_b);
                return true;
            }
        }
        return false;
    }

    std::vector<Pool> rests(const Pool& pool) const {
        std::vector<Pool> all;
        for (const std::size_t group : pool.groups) all.push_back(*pool_of(without(pool.groups, group)));
        return all;
    }

    Pool with(Pool pool, std::size_t group) const {
        groups_.meet(pool.meet, groups_[group]);
        pool.groups.push_back(group);
        pool.score = groups_.score(pool.meet);
        return pool;
    }

    const SplitGroups& groups_;
    std::size_t most_pools_;
    std::vector<Pool> pools_;
};

}  // namespace

Score score_of(const SplitGroups& groups, const Partition& partition) {
    Score sum;
    for (const auto& pool : partition) {
        Meet meet;
        for (const std::size_t group : pool) groups.meet(meet, groups[group]);
        sum += groups.score(meet);
    }
    return sum;
}

Partition best_partition(const SplitGroups& groups, std::size_t most_pools) {
    return Exact(groups, std::min(most_pools, groups.size())).run();
}

Partition good_partition(const SplitGroups& groups, std::size_t most_pools) {
    return Heuristic(groups, most_pools).run();
}

}  // namespace poolcpuid::compare
