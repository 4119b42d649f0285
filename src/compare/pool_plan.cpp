#include "poolcpuid/pool_plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "compare/change_words.hpp"
#include "compare/field_changes.hpp"
#include "compare/members.hpp"
#include "compare/plan_advice.hpp"
#include "compare/plan_finding.hpp"
#include "compare/price.hpp"
#include "compare/reach.hpp"
#include "policy/summary_groups.hpp"
#include "poolcpuid/error.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid {

namespace {

using compare::Hosts;
using compare::HostsByName;
using compare::Reach;

PromiseCounts counts_of(const std::vector<FieldChange>& changes) {
    PromiseCounts counts;
    for (const FieldChange& change : changes) {
        switch (change.direction) {
            case Direction::loses: ++counts.loses; break;
            case Direction::both: ++counts.both; break;
            case Direction::relaxes: ++counts.relaxes; break;
            case Direction::gains: ++counts.gains; break;
            case Direction::none: break;
        }
    }
    return counts;
}

class Planner {
public:
    Planner(const Rulebook& rulebook, const CurrentPool& current, const PoolChange& change, Strictness strictness)
        : rulebook_(rulebook), current_(current), change_(change), state_(rulebook) {
        plan_.strictness = strictness;
    }

    PoolPlan run(const std::vector<RunningPolicy>& running) {
        apply_change();
        make_policies();
        compare_hosts();
        follow_running(running);
        ask_of_policy_after();
        find_unknown();
        find_price();
        plan_.advice = compare::advice_for(plan_);
        return std::move(plan_);
    }

private:
    void apply_change() {
        for (const HostDump& host : current_.hosts) hosts_.before.emplace(host.name, &host);
        for (const FormerHost& host : current_.lost) hosts_.lost.emplace(host.name, host.sha256);
        hosts_.after = hosts_.before;
        for (const std::string& name : change_.removed) take_out(name);
        const std::set<std::string> removed = hosts_.moving;
        for (const HostDump& host : change_.replaced) {
            if (removed.contains(host.name)) refuse_twice(host.name);
            take_out(host.name);
        }
        for (const HostDump& host : change_.replaced) hosts_.after[host.name] = &host;
        for (const HostDump& host : change_.added) add(host);
        if (hosts_.after.empty()) throw NoPolicyError("no host is left in the pool after the change");
        hosts_.kinds.add(rulebook_, hosts_.before);
        hosts_.kinds.add(rulebook_, hosts_.after);
        dumps_before_ = dumps_before();
        for (const auto* hosts : {&hosts_.before, &hosts_.after}) {
            for (const auto& [name, host] : *hosts) add_cpu(rulebook_, *host, plan_.cpus);
        }

        std::vector<std::string> known;
        for (const std::string& name : hosts_.moving) {
            if (!hosts_.lost.contains(name)) known.push_back(name);
        }
        state_ = current_.state.without(known);
        for (const auto& [name, host] : hosts_.after) {
            const auto old = hosts_.before.find(name);
            if (old == hosts_.before.end() || old->second != host) state_.add(*host);
        }
        plan_.hosts_before = current_.lost.empty() ? current_.state.host_count() : summary::host_count(current_.policy);
        plan_.hosts_after = state_.host_count();
    }

    void take_out(const std::string& name) {
        if (!hosts_.before.contains(name) && !hosts_.lost.contains(name)) throw compare::not_of_pool(members(), name);
        hosts_.moving.insert(name);
        hosts_.after.erase(name);
    }

    std::vector<std::string> members() const {
        std::set<std::string> names;
        for (const auto& [name, host] : hosts_.before) names.insert(name);
        for (const auto& [name, digest] : hosts_.lost) names.insert(name);
        return {names.begin(), names.end()};
    }

    [[noreturn]] static void refuse_twice(const std::string& name) {
        throw UsageError(printable(name) + " changes twice: a host joins, leaves, or comes back with another dump");
    }

    void add(const HostDump& host) {
        if (hosts_.moving.contains(host.name)) refuse_twice(host.name);
        const auto [at, fresh] = hosts_.after.emplace(host.name, &host);
        if (!fresh && sha256_of(*at->second) != sha256_of(host)) {
            throw InputError(host.name, 0, "a host of a new name, as this one is added",
                             "another of this name in the pool; a host that comes back with another dump is replaced");
        }
    }

    void make_policies() {
        plan_.before = current_.policy;
        plan_.policy_is_current = is_current();
        options_ = without_lost_identity(current_.options, state_);
        if (options_.identity != current_.options.identity) plan_.identity_gone = current_.options.identity;
        options_.most_names = most_names;
        plan_.after = state_.finish(options_);
        std::vector<const HostDump*> hosts;
        for (const auto& [name, host] : hosts_.after) hosts.push_back(host);
        plan_.difference = differences(rulebook_, plan_.before, plan_.after, hosts);
        after_ = state_.finish_promises(options_);
        if (!plan_.difference.is_of_two_vendors()) {
            plan_.difference.changes = changes_to_after();
            if (dumps_before_) say_open_before(open_on_all(*dumps_before_));
        }
        plan_.counts = counts_of(plan_.difference.changes);
    }

    // The hosts after the change say what no document does: whether guests that count on VERW may run on those that ask
    // for none, what is kept without being shown, and what a broken promise costs there.
    std::vector<FieldChange> changes_to_after() {
        const promises::VendorRules& rules = rules_for(plan_.before);
        return compare::field_changes(rules, compare::promised_by(rules, plan_.before),
                                      promised_by(rules, after_, kinds_after()));
    }

    // That guests of the pool's policy are not told to run VERW, and lose nothing by that.
    void say_open_before(const std::set<std::string>& open) {
        for (FieldChange& change : plan_.difference.changes) {
            if (change.direction == Direction::relaxes && open.contains(change.field)) compare::say_open_before(change);
        }
    }

    // A host of each kind that is there after the change.
    std::vector<const HostDump*> kinds_after() const {
        std::map<std::size_t, const HostDump*> examples;
        for (const auto& [name, host] : hosts_.after) examples.emplace(hosts_.kinds.of(*host), host);
        std::vector<const HostDump*> hosts;
        for (const auto& [kind, host] : examples) hosts.push_back(host);
        return hosts;
    }

    // The plan for a policy's vendor, made once.
    const promises::VendorRules& rules_for(const PoolPolicy& policy) {
        const auto at = rules_.find(policy.vendor);
        return at != rules_.end()
                   ? at->second
                   : rules_.emplace(policy.vendor, promises::VendorRules::of(rulebook_, policy)).first->second;
    }

    // What the policy of these hosts, which are of its vendor, promises and they keep.
    compare::Promised promised_by(const promises::VendorRules& rules, const PoolPolicy& policy,
                                  const std::vector<const HostDump*>& hosts) {
        std::vector<const promises::HostPromises*> promises;
        for (const HostDump* host : hosts) promises.push_back(&promises_on(rules, *host));
        return compare::promised_by(rules, policy, std::move(promises));
    }

    const promises::HostPromises& promises_on(const promises::VendorRules& rules, const HostDump& host) {
        const auto [at, fresh] = promises_.try_emplace(hosts_.kinds.of(host));
        if (fresh) at->second = promises::promises_of(rules, host);
        return at->second;
    }

    // From one policy to that of some hosts, in number.
    PromiseCounts counts_from(const PoolPolicy& before, const PoolPolicy& after,
                              const std::vector<const HostDump*>& hosts) {
        // The one change of a difference of vendors.
        if (before.vendor != after.vendor || !rulebook_.vendor_of(before.vendor)) return {1, 0, 0, 0};
        const promises::VendorRules& rules = rules_for(before);
        return counts_of(
            compare::field_changes(rules, compare::promised_by(rules, before), promised_by(rules, after, hosts)));
    }

    std::optional<bool> is_current() const {
        if (!current_.lost.empty()) return std::nullopt;
        const PoolPolicy now = current_.state.finish(current_.options);
        return now.cpuid == plan_.before.cpuid && now.msrs == plan_.before.msrs;
    }

    // The policy that a host would give a pool of its own. Hosts of one kind have equal ones.
    const PoolPolicy& policy_alone(const HostDump& host) {
        std::optional<PoolPolicy>& policy = alone_[hosts_.kinds.of(host)];
        if (!policy) {
            PoolState state(rulebook_);
            state.add(host);
            policy = state.finish_promises(without_lost_identity(options_, state));
        }
        return *policy;
    }

    // One comparison for each pair of kinds; the policy in force has none.
    PromiseCounts counts_to(const HostDump* former, const HostDump& host) {
        constexpr std::size_t pool = ~std::size_t{0};
        const std::pair key(former == nullptr ? pool : hosts_.kinds.of(*former), hosts_.kinds.of(host));
        const auto [at, fresh] = compared_.emplace(key, PromiseCounts{});
        if (fresh) {
            const PoolPolicy& before = former == nullptr ? plan_.before : policy_alone(*former);
            at->second = counts_from(before, policy_alone(host), {&host});
        }
        return at->second;
    }

    // What the policy says of a content; nothing where it has no such class.
    HostFacts facts_before(const std::string& digest) const {
        const auto& classes = plan_.before.hosts;
        const auto at =
            std::find_if(classes.begin(), classes.end(), [&](const HostClass& host) { return host.sha256 == digest; });
        return at == classes.end() ? HostFacts{} : at->facts;
    }

    void compare_hosts() {
        for (const auto& [name, host] : hosts_.after) {
            const auto old = hosts_.before.find(name);
            const auto lost = hosts_.lost.find(name);
            if (lost != hosts_.lost.end()) {
                plan_.replaced.push_back({name, lost->second, sha256_of(*host), counts_to(nullptr, *host),
                                          compare::setting_changes(rulebook_, facts_before(lost->second), *host),
                                          false});
            } else if (old == hosts_.before.end()) {
                plan_.added.push_back({name, {}, sha256_of(*host), counts_to(nullptr, *host), {}});
            } else if (hosts_.moving.contains(name)) {
                plan_.replaced.push_back({name, sha256_of(*old->second), sha256_of(*host),
                                          counts_to(old->second, *host),
                                          compare::setting_changes(rulebook_, *old->second, *host)});
            }
        }
        for (const std::string& name : hosts_.moving) {
            if (!hosts_.after.contains(name)) {
                const auto lost = hosts_.lost.find(name);
                const std::string digest =
                    lost != hosts_.lost.end() ? lost->second : sha256_of(*hosts_.before.at(name));
                plan_.removed.push_back({name, digest, {}, {}, {}});
            }
        }
    }

    void follow_running(const std::vector<RunningPolicy>& running) {
        std::vector<Reach> reaches;
        for (const RunningPolicy& policy : running) {
            reaches.emplace_back(rulebook_, policy.policy, hosts_, plan_.strictness);
            RunningPlan entry;
            entry.label = policy.label;
            entry.sha256 = sha256_of(policy.policy);
            entry.of_pool = policy.of_pool;
            reaches.back().describe(entry);
            tell_open_before(reaches.back(), policy.policy, entry);
            entry.restart = counts_from(policy.policy, after_, kinds_after());
            plan_.running.push_back(std::move(entry));
        }
        std::sort(plan_.running.begin(), plan_.running.end(),
                  [](const RunningPlan& a, const RunningPlan& b) { return a.label < b.label; });
        plan_.mends = mends_of(hosts_, reaches);
    }

    // From what VMs that are not told of it are open where they may run before the change.
    void tell_open_before(const Reach& reach, const PoolPolicy& policy, RunningPlan& entry) {
        if (entry.cannot_reach.empty() || policy.vendor != plan_.before.vendor) return;
        if (!dumps_before_) return;
        std::vector<const HostDump*> reached;
        std::copy_if(dumps_before_->begin(), dumps_before_->end(), std::back_inserter(reached),
                     [&](const HostDump* host) { return reach.may_run_on(*host); });
        const std::set<std::string> open = open_on_all(reached);
        for (Unreachable& group : entry.cannot_reach) {
            for (const Violation& violation : group.violations) {
                const bool is_news = violation.known && violation.breach == Breach::not_told;
                if (is_news && open.contains(violation.field)) group.open_before.push_back(violation.field);
            }
        }
    }

    // A dump of each content that hosts had before the change; nothing where one is not there any more.
    std::optional<std::vector<const HostDump*>> dumps_before() const {
        std::map<std::string, const HostDump*> dumps;
        for (const auto& [name, host] : hosts_.before) dumps.emplace(sha256_of(*host), host);
        const bool all_there = std::all_of(hosts_.lost.begin(), hosts_.lost.end(),
                                           [&](const auto& lost) { return dumps.contains(lost.second); });
        if (!all_there) return std::nullopt;
        std::vector<const HostDump*> hosts;
        for (const auto& [digest, host] : dumps) hosts.push_back(host);
        return hosts;
    }

    // The guarded bits, by id, for which all of these hosts are affected and VERW scrubs on none of them.
    std::set<std::string> open_on_all(const std::vector<const HostDump*>& hosts) {
        const promises::VendorRules& rules = rules_for(plan_.before);
        std::uint64_t open = hosts.empty() ? 0 : ~std::uint64_t{0};
        for (const HostDump* host : hosts) {
            const promises::HostPromises& promises = promises_on(rules, *host);
            open &= ~(promises.atoms.scrubs | promises.scrub_unknown);
        }
        std::set<std::string> fields;
        for (std::size_t i = 0; i < rules.guards().size(); ++i) {
            if (((open >> i) & 1U) != 0) fields.emplace(rulebook_[rules.guards()[i].field].id);
        }
        return fields;
    }

    // What the former dumps would say and nothing else does.
    void find_unknown() {
        if (current_.lost.empty()) return;
        std::vector<std::string> names;
        for (const FormerHost& host : current_.lost) names.push_back(host.name);
        const std::string who = enumerate(names);
        const std::string of = names.size() == 1 ? "The former dump of " : "The former dumps of ";
        std::string text = of + who + (names.size() == 1 ? " is" : " are") +
                           " not there. So it is not known whether VMs of other policies than " +
                           "the pool's could run there: they are counted as if they ran there and have to move";
        if (plan_.counts.gains + plan_.counts.both > 0) {
            text += "; nor whether it kept the policy after, which promises more";
        }
        plan_.findings.push_back(plan_finding("former-dump-gone", text + ".", names));
    }

    void ask_of_policy_after() {
        const Reach reach(rulebook_, plan_.after, hosts_, plan_.strictness);
        plan_.start_up = reach.start_up();
        plan_.wait_for = reach.moving_beyond_reach();
    }

    // Of what the policy loses, what the sets of hosts that join or come back take from it.
    void find_price() {
        std::set<std::string> fresh;
        for (const auto* changed : {&plan_.added, &plan_.replaced}) {
            for (const ChangedHost& host : *changed) fresh.insert(host.name);
        }
        if (fresh.empty()) return;
        const auto are_fresh = [&](const std::vector<std::string>& hosts) {
            return std::all_of(hosts.begin(), hosts.end(),
                               [&](const std::string& name) { return fresh.contains(name); });
        };
        const MergeOptions options = with_all_names(options_);
        plan_.price = compare::prices(rulebook_, {state_, options, plan_.before, plan_.difference.changes}, are_fresh);
    }

    const Rulebook& rulebook_;
    const CurrentPool& current_;
    const PoolChange& change_;
    Hosts hosts_;
    std::optional<std::vector<const HostDump*>> dumps_before_;               // as dumps_before() gives them
    std::map<std::string, promises::VendorRules> rules_;                     // by vendor
    PoolState state_;                                                        // after the change
    MergeOptions options_;                                                   // of the policy after
    PoolPolicy after_;                                                       // as finish_promises gives it
    std::map<std::size_t, promises::HostPromises> promises_;                 // of hosts of one vendor, by kind
    std::map<std::size_t, std::optional<PoolPolicy>> alone_;                 // by kind
    std::map<std::pair<std::size_t, std::size_t>, PromiseCounts> compared_;  // by kinds
    PoolPlan plan_;
};

}  // namespace

std::string_view to_string(Strength strength) noexcept {
    switch (strength) {
        case Strength::equal: return "equal";
        case Strength::weaker: return "weaker";
        case Strength::stronger: return "stronger";
        case Strength::both: break;
    }
    return "both";
}

Strength strength_of(const PromiseCounts& counts) noexcept {
    const bool weaker = counts.loses + counts.relaxes > 0;
    const bool stronger = counts.gains > 0;
    if (counts.both > 0 || (weaker && stronger)) return Strength::both;
    return weaker ? Strength::weaker : stronger ? Strength::stronger : Strength::equal;
}

bool Unreachable::is_no_worse(Strictness strictness) const noexcept {
    return std::all_of(violations.begin(), violations.end(), [&](const Violation& violation) {
        const bool is_open_before =
            std::find(open_before.begin(), open_before.end(), violation.field) != open_before.end();
        const bool only_slower = only_degrades(violation.impact) && !strictness.degraded_fails;
        return is_open_before || only_slower || !violation.counts(strictness.unknown);
    });
}

bool RunningPlan::is_no_worse(Strictness strictness) const noexcept {
    return stranded() && std::all_of(cannot_reach.begin(), cannot_reach.end(),
                                     [&](const Unreachable& hosts) { return hosts.is_no_worse(strictness); });
}

bool RunningPlan::stranded_before() const noexcept {
    // Where nothing is left to reach, they could run before only on hosts that leave or are replaced.
    const bool last_refuge_goes = reaches.empty() && !must_move.empty();
    return !last_refuge_goes &&
           std::all_of(cannot_reach.begin(), cannot_reach.end(), [](const Unreachable& hosts) { return hosts.before; });
}

std::vector<std::string> PoolPlan::stranded() const {
    std::vector<std::string> labels;
    for (const RunningPlan& entry : running) {
        if (entry.stranded()) labels.push_back(entry.label);
    }
    return labels;
}

PoolPlan plan_change(const Rulebook& rulebook, const CurrentPool& current, const PoolChange& change,
                     const std::vector<RunningPolicy>& running, Strictness strictness) {
    return Planner(rulebook, current, change, strictness).run(running);
}

}  // namespace poolcpuid
