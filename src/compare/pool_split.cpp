#include "poolcpuid/pool_split.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>

#include "base/printable.hpp"
#include "compare/field_changes.hpp"
#include "compare/split_score.hpp"
#include "compare/split_search.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_state.hpp"
#include "promises/views_key.hpp"

namespace poolcpuid {

namespace {

using compare::Meet;
using compare::Partition;
using compare::Score;
using compare::SplitGroups;
using compare::VendorScorer;

// Hosts that the merge cannot tell apart.
struct SplitClass {
    std::size_t vendor = 0;
    std::vector<const HostDump*> hosts;  // by name
};

// Which classes share a pool whatever comes: each is a member of one set.
class Sets {
public:
    explicit Sets(std::size_t count) : parents_(count) { std::iota(parents_.begin(), parents_.end(), std::size_t{0}); }

    std::size_t of(std::size_t member) const {
        while (parents_[member] != member) member = parents_[member];
        return member;
    }

    void join(std::size_t a, std::size_t b) {
        a = of(a);
        b = of(b);
        parents_[std::max(a, b)] = std::min(a, b);
    }

private:
    std::vector<std::size_t> parents_;
};

class Splitter {
public:
    Splitter(const Rulebook& rulebook, const std::vector<HostDump>& hosts, const SplitOptions& options)
        : rulebook_(rulebook), options_(options) {
        if (options.most_pools == 0) throw UsageError("at least one pool");
        for (const HostDump& host : hosts) hosts_.push_back(&host);
        std::sort(hosts_.begin(), hosts_.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
        if (hosts_.empty()) throw NoPolicyError("no host to make a policy from");
    }

    PoolSplit run() {
        find_vendors();
        find_classes();
        find_groups();
        const SplitGroups groups(scorers_, meets_);
        result_.most_pools = options_.most_pools;
        result_.hosts = hosts_.size();
        result_.classes = classes_.size();
        result_.exact = meets_.size() <= most_exact_groups;
        const Partition partition = result_.exact ? compare::best_partition(groups, options_.most_pools)
                                                  : compare::good_partition(groups, options_.most_pools);
        result_.kept = score_of(groups, partition).kept;
        find_one_pools(groups);
        for (const auto& pool : partition) describe(groups, pool);
        put_in_order();
        return std::move(result_);
    }

private:
    void find_vendors() {
        for (const HostDump* host : hosts_) {
            const std::string string = vendor_string(host->first_table()).value_or("");
            if (!rulebook_.vendor_of(string)) {
                throw NoPolicyError(printable(host->name) + " is of the vendor \"" + printable(string) +
                                    "\", which the rulebook does not know");
            }
            if (std::find(vendors_.begin(), vendors_.end(), string) == vendors_.end()) vendors_.push_back(string);
        }
        std::sort(vendors_.begin(), vendors_.end());
        if (vendors_.size() > options_.most_pools) {
            throw NoPolicyError("the hosts are of " + std::to_string(vendors_.size()) +
                                " vendors, which never share a pool: at least " + std::to_string(vendors_.size()) +
                                " pools are needed");
        }
        rules_.reserve(vendors_.size());  // scorers point into it
        for (std::size_t i = 0; i < vendors_.size(); ++i) {
            rules_.emplace_back(rulebook_, rulebook_.vendor_of(vendors_[i]).value());
            scorers_.emplace_back(rules_.back(), i);
        }
    }

    std::size_t vendor_of(const HostDump& host) const {
        const std::string string = vendor_string(host.first_table()).value_or("");
        return static_cast<std::size_t>(std::find(vendors_.begin(), vendors_.end(), string) - vendors_.begin());
    }

    // In the order of their first names.
    void find_classes() {
        std::map<std::string, std::size_t> by_digest;  // few views are read twice: most of a fleet are copies
        std::map<std::string, std::size_t> by_views;
        for (const HostDump* host : hosts_) {
            const auto [known, fresh] = by_digest.emplace(sha256_of(*host), 0);
            if (fresh) {
                const auto [at, is_new] = by_views.emplace(promises::views_key(rulebook_, *host), classes_.size());
                if (is_new) classes_.push_back({vendor_of(*host), {}});
                known->second = at->second;
            }
            classes_[known->second].hosts.push_back(host);
            class_of_.emplace(host->name, known->second);
        }
    }

    std::size_t class_of(const std::string& name) const {
        const auto at = class_of_.find(name);
        if (at == class_of_.end()) throw UsageError("--keep-together: no host is called " + printable(name));
        return at->second;
    }

    void find_groups() {
        Sets sets(classes_.size());
        for (const auto& names : options_.keep_together) {
            for (const std::string& name : names) {
                const std::size_t first = class_of(names.front());
                const std::size_t other = class_of(name);
                if (classes_[first].vendor != classes_[other].vendor) {
                    throw UsageError("--keep-together: " + printable(names.front()) + " and " + printable(name) +
                                     " are of two vendors, which never share a pool");
                }
                sets.join(first, other);
            }
        }
        std::map<std::size_t, std::size_t> places;  // of groups, by the first class
        for (std::size_t i = 0; i < classes_.size(); ++i) {
            const SplitClass& of = classes_[i];
            const VendorScorer& scorer = scorers_[of.vendor];
            const Meet meet = scorer.of(promises::promises_of(rules_[of.vendor], *of.hosts.front()), of.hosts.size());
            result_.bound += scorer.kept(meet) * meet.hosts;  // of the class, whatever it is kept together with
            const auto [at, fresh] = places.emplace(sets.of(i), meets_.size());
            if (fresh) {
                meets_.push_back(meet);
                groups_.push_back({i});
            } else {
                scorer.meet(meets_[at->second], meet);
                groups_[at->second].push_back(i);
            }
        }
    }

    PoolState state_of(const std::vector<std::size_t>& groups) const {
        PoolState state(rulebook_);
        for (const std::size_t group : groups) {
            for (const std::size_t of : groups_[group]) {
                for (const HostDump* host : classes_[of].hosts) state.add(*host);
            }
        }
        return state;
    }

    static std::vector<Finding> errors_of(const PoolPolicy& policy) {
        std::vector<Finding> errors;
        std::copy_if(policy.findings.begin(), policy.findings.end(), std::back_inserter(errors),
                     [](const Finding& finding) { return finding.severity == Severity::error; });
        return errors;
    }

    // One pool for each vendor, with which the split is compared.
    void find_one_pools(const SplitGroups& groups) {
        for (std::size_t vendor = 0; vendor < vendors_.size(); ++vendor) {
            std::vector<std::size_t> all;
            for (std::size_t i = 0; i < meets_.size(); ++i) {
                if (meets_[i].vendor == vendor) all.push_back(i);
            }
            ones_.push_back(state_of(all).finish({}));
            result_.kept_by_one += score_of(groups, {all}).kept;
            result_.errors_of_one += errors_of(ones_.back()).size();
        }
    }

    void describe(const SplitGroups& groups, const std::vector<std::size_t>& members) {
        SplitPool pool;
        for (const std::size_t group : members) {
            for (const std::size_t of : groups_[group]) {
                ++pool.classes;
                for (const HostDump* host : classes_[of].hosts) pool.hosts.push_back(host->name);
            }
        }
        std::sort(pool.hosts.begin(), pool.hosts.end());
        const std::size_t vendor = meets_[members.front()].vendor;
        pool.vendor = vendors_[vendor];
        pool.kept = score_of(groups, {members}).kept / pool.hosts.size();
        const PoolState state = state_of(members);
        const PoolPolicy policy = state.finish({});
        const PoolPolicy& one = ones_[vendor];
        const promises::VendorRules& rules = rules_[vendor];
        pool.gains = compare::gained(rules, compare::promised_by(rules, one),
                                     compare::promised_by(rules, state.finish_promises({})));
        pool.errors = errors_of(policy);
        result_.errors += pool.errors.size();
        const auto has = [&](const Finding& wanted) {
            return std::any_of(policy.findings.begin(), policy.findings.end(), [&](const Finding& finding) {
                return finding.code == wanted.code && finding.field == wanted.field;
            });
        };
        std::copy_if(one.findings.begin(), one.findings.end(), std::back_inserter(pool.cleared),
                     [&](const Finding& finding) { return finding.severity != Severity::note && !has(finding); });
        result_.pools.push_back(std::move(pool));
    }

    void put_in_order() {
        std::vector<SplitPool>& pools = result_.pools;
        std::sort(pools.begin(), pools.end(), [](const SplitPool& a, const SplitPool& b) {
            return std::tuple(b.hosts.size(), a.hosts.front()) < std::tuple(a.hosts.size(), b.hosts.front());
        });
        for (std::size_t i = 0; i < pools.size(); ++i) {
            for (std::size_t j = i + 1; j < pools.size(); ++j) {
                if (pools[i].vendor == pools[j].vendor) result_.ended.push_back({i, j});
            }
        }
    }

    const Rulebook& rulebook_;
    const SplitOptions& options_;
    std::vector<const HostDump*> hosts_;        // by name
    std::vector<std::string> vendors_;          // their strings, sorted
    std::vector<promises::VendorRules> rules_;  // parallel to vendors_
    std::vector<VendorScorer> scorers_;         // likewise
    std::vector<SplitClass> classes_;
    std::map<std::string, std::size_t> class_of_;   // by host
    std::vector<Meet> meets_;                       // of the groups of classes that are kept together
    std::vector<std::vector<std::size_t>> groups_;  // their classes
    std::vector<PoolPolicy> ones_;                  // parallel to vendors_
    PoolSplit result_;
};

}  // namespace

PoolSplit split_pool(const Rulebook& rulebook, const std::vector<HostDump>& hosts, const SplitOptions& options) {
    return Splitter(rulebook, hosts, options).run();
}

}  // namespace poolcpuid
