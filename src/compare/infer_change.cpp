#include "poolcpuid/infer_change.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/lists.hpp"
#include "compare/members.hpp"
#include "compare/plan_finding.hpp"
#include "policy/names_digest.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid {

namespace {

// A class of equal hosts of the policy, and how many of its hosts are not accounted for yet.
struct Class {
    const HostClass* listed = nullptr;
    std::size_t unnamed = 0;  // hosts that the policy counts and does not name
};

std::string names_digest(const std::set<std::string>& names) {
    NamesDigest digest;
    for (const std::string& name : names) digest.add(name);
    return digest.hex();
}

// The names of the policy's hosts, as far as they are known or guessed.
std::set<std::string> members_of(const InferredChange& change) {
    std::set<std::string> names;
    for (const HostDump& host : change.kept) names.insert(host.name);
    for (const FormerHost& host : change.lost) names.insert(host.name);
    return names;
}

// What cannot be known of the change.
std::vector<Finding> not_known(const InferredChange& change) {
    std::vector<Finding> findings;
    if (const auto& doubtful = change.doubtful; !doubtful.empty()) {
        findings.push_back(plan_finding(
            "may-have-changed",
            enumerate(doubtful) + (doubtful.size() == 1 ? " joins, or is a host" : " join, or are hosts") +
                " of the pool that came back changed: the policy names at most " + std::to_string(most_names) +
                " hosts of equal content. The plan takes " + (doubtful.size() == 1 ? "it" : "them") +
                " for joining; --replace NAME=FILE says otherwise.",
            doubtful));
    }
    if (const auto& guessed = change.guessed; !guessed.empty()) {
        findings.push_back(
            plan_finding("may-have-joined",
                         enumerate(guessed) + (guessed.size() == 1 ? " has" : " have") +
                             " the content of hosts that the policy counts and does not name, and " +
                             (guessed.size() == 1 ? "is taken for one" : "are taken for some") +
                             " of these. Whether others of the same content left, and these joined, is not known.",
                         guessed));
    }
    if (const std::size_t gone = change.unnamed; gone > 0) {
        findings.push_back(plan_finding(
            "unnamed-hosts-gone",
            counted(gone, "host") + " that the policy counts and does not name " + (gone == 1 ? "has" : "have") +
                " no dump of the content that it had: left, or came back changed under a name that the plan "
                "takes for joining. Where their VMs are is not known.",
            {}));
    }
    return findings;
}

class Inference {
public:
    Inference(const PoolPolicy& policy, const std::vector<HostDump>& dumps) : policy_(policy), dumps_(dumps) {
        for (const HostClass& host : policy.hosts) {
            if (host.is_ceiling()) continue;
            classes_[host.sha256] = {&host, host.count - host.names.size()};
            for (const std::string& name : host.names) names_[name] = host.sha256;
        }
        for (const auto& [digest, of] : classes_) unnamed_ += of.unnamed;
    }

    InferredChange run() {
        if (same_contents()) {
            result_.kept = dumps_;
            return std::move(result_);
        }
        std::vector<const HostDump*> strangers;  // neither their name nor their content is the policy's
        for (const HostDump* dump : by_name()) {
            if (!take_listed(*dump) && !take_unnamed(*dump)) strangers.push_back(dump);
        }
        const std::string former = former_digest();
        for (const HostDump* dump : strangers) take_stranger(*dump, former);
        for (const auto& [name, digest] : names_) {
            if (!seen_.contains(name)) leave(name, digest);
        }
        result_.unnamed = unnamed_ - std::min(unnamed_, came_back_);
        // Then nothing was guessed: the hosts that are kept or gone have the names of all of the policy's.
        if (names_digest(members_of(result_)) == policy_.names_sha256) {
            result_.guessed.clear();
            result_.doubtful.clear();
        }
        result_.findings = not_known(result_);
        std::sort(result_.lost.begin(), result_.lost.end(),
                  [](const FormerHost& a, const FormerHost& b) { return a.name < b.name; });
        return std::move(result_);
    }

private:
    // As many dumps of each content as the policy has hosts of it, and no other.
    bool same_contents() const {
        std::map<std::string, std::size_t> counts;
        for (const HostDump& dump : dumps_) ++counts[sha256_of(dump)];
        return counts.size() == classes_.size() &&
               std::all_of(classes_.begin(), classes_.end(), [&](const auto& entry) {
                   const auto at = counts.find(entry.first);
                   return at != counts.end() && at->second == entry.second.listed->count;
               });
    }

    std::vector<const HostDump*> by_name() const {
        std::vector<const HostDump*> sorted;
        for (const HostDump& dump : dumps_) sorted.push_back(&dump);
        std::sort(sorted.begin(), sorted.end(), [](const HostDump* a, const HostDump* b) { return a->name < b->name; });
        return sorted;
    }

    bool take_listed(const HostDump& dump) {
        const auto at = names_.find(dump.name);
        if (at == names_.end()) return false;
        seen_.insert(dump.name);
        if (at->second == sha256_of(dump)) {
            result_.kept.push_back(dump);
        } else {
            result_.lost.push_back({dump.name, at->second});
            result_.change.replaced.push_back(dump);
        }
        return true;
    }

    // One of the hosts of its class that the policy does not name, as far as there are any.
    bool take_unnamed(const HostDump& dump) {
        const auto at = classes_.find(sha256_of(dump));
        if (at == classes_.end() || at->second.unnamed == 0) return false;
        --at->second.unnamed;
        --unnamed_;
        result_.kept.push_back(dump);
        result_.guessed.push_back(dump.name);
        return true;
    }

    // former: the digest of the host that it may be.
    void take_stranger(const HostDump& dump, const std::string& former) {
        if (unnamed_ > 0 && same_names()) {
            result_.lost.push_back({dump.name, former});
            result_.change.replaced.push_back(dump);
            ++came_back_;
            return;
        }
        result_.change.added.push_back(dump);
        // Where others stand for all hosts that are not named, one of those may have joined in its place.
        if (unnamed_ > 0 || !result_.guessed.empty()) result_.doubtful.push_back(dump.name);
    }

    void leave(const std::string& name, const std::string& digest) {
        result_.lost.push_back({name, digest});
        result_.change.removed.push_back(name);
    }

    bool same_names() {
        if (!same_names_) {
            std::set<std::string> names;
            for (const HostDump& dump : dumps_) names.insert(dump.name);
            same_names_ = names_digest(names) == policy_.names_sha256;
        }
        return *same_names_;
    }

    // The digest of the one class that has hosts left which are not accounted for; empty where several have.
    std::string former_digest() const {
        std::string digest;
        for (const auto& [of, entry] : classes_) {
            if (entry.unnamed == 0) continue;
            if (!digest.empty()) return {};
            digest = of;
        }
        return digest;
    }

    const PoolPolicy& policy_;
    const std::vector<HostDump>& dumps_;
    std::map<std::string, Class> classes_;      // by digest
    std::size_t unnamed_ = 0;                   // of all classes
    std::map<std::string, std::string> names_;  // listed: digest by name
    std::set<std::string> seen_;                // of these, those with a dump
    std::optional<bool> same_names_;
    std::size_t came_back_ = 0;  // of the hosts that the policy does not name
    InferredChange result_;
};

// What is asked for, laid over what was inferred.
class Overlay {
public:
    explicit Overlay(InferredChange inferred)
        : result_(std::move(inferred)), members_(members_of(result_)), guesses_(result_.guessed) {
        for (const FormerHost& host : result_.lost) lost_.insert(host.name);
    }

    InferredChange run(const PoolChange& asked) {
        for (const auto* hosts : {&asked.added, &asked.replaced}) {
            for (const HostDump& host : *hosts) asked_.insert(host.name);
        }
        take_back_inferred();
        for (const HostDump& host : asked.added) add(host);
        for (const HostDump& host : asked.replaced) replace(host);
        std::set<std::string> leaving;
        for (const std::string& pattern : asked.removed) {
            if (pattern.find_first_of("*?[") == std::string::npos) claim(pattern);
        }
        for (const std::string& pattern : asked.removed) leaving.merge(matching(pattern));
        remove(leaving);
        let_given_up_join();
        std::erase_if(result_.doubtful,
                      [&](const std::string& name) { return asked_.contains(name) || leaving.contains(name); });
        result_.findings = not_known(result_);
        return std::move(result_);
    }

private:
    // What was inferred of the hosts that join or come back as asked.
    void take_back_inferred() {
        const auto is_asked = [&](const HostDump& host) { return asked_.contains(host.name); };
        std::erase_if(result_.change.added, is_asked);
        std::erase_if(result_.change.replaced, is_asked);
        std::erase_if(result_.change.removed, [&](const std::string& name) { return asked_.contains(name); });
    }

    void add(const HostDump& host) {
        (lost_.contains(host.name) ? result_.change.replaced : result_.change.added).push_back(host);
    }

    void replace(const HostDump& host) {
        claim(host.name);
        result_.change.replaced.push_back(host);
    }

    // One of the hosts that the policy counts and does not name, where it is none that it names.
    void claim(const std::string& name) {
        if (members_.contains(name)) return;
        if (result_.unnamed == 0 && !give_up_guess()) return;
        result_.lost.push_back({name, {}});
        members_.insert(name);
        lost_.insert(name);
        if (result_.unnamed > 0) --result_.unnamed;
    }

    // One of the hosts that were taken for hosts of the policy joins, then: which, nobody knows, and they are alike.
    // The last by name is as good as any. False where there is none, but those of which something else is asked.
    bool give_up_guess() {
        while (!guesses_.empty() && asked_.contains(guesses_.back())) guesses_.pop_back();
        if (guesses_.empty()) return false;
        members_.erase(guesses_.back());
        given_up_.insert(std::move(guesses_.back()));
        guesses_.pop_back();
        return true;
    }

    void let_given_up_join() {
        const auto stays = [&](const HostDump& host) { return !given_up_.contains(host.name); };
        const auto joining = std::stable_partition(result_.kept.begin(), result_.kept.end(), stays);
        std::move(joining, result_.kept.end(), std::back_inserter(result_.change.added));
        result_.kept.erase(joining, result_.kept.end());
        std::erase_if(result_.guessed, [&](const std::string& name) { return given_up_.contains(name); });
    }

    void remove(const std::set<std::string>& leaving) {
        const auto is_leaving = [&](const HostDump& host) {
            return leaving.contains(host.name) && !asked_.contains(host.name);
        };
        std::erase_if(result_.change.replaced, is_leaving);
        std::erase_if(result_.change.added, is_leaving);
        auto& removed = result_.change.removed;
        const std::set<std::string> inferred(removed.begin(), removed.end());
        std::set_difference(leaving.begin(), leaving.end(), inferred.begin(), inferred.end(),
                            std::back_inserter(removed));
    }

    std::set<std::string> matching(const std::string& pattern) const {
        if (members_.contains(pattern)) return {pattern};
        std::set<std::string> matches;
        std::copy_if(members_.begin(), members_.end(), std::inserter(matches, matches.end()),
                     [&](const std::string& name) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
        if (matches.empty()) throw compare::not_of_pool({members_.begin(), members_.end()}, pattern);
        return matches;
    }

    InferredChange result_;
    std::set<std::string> members_;     // of the pool, by the policy: kept and lost
    std::set<std::string> lost_;        // of these
    std::vector<std::string> guesses_;  // hosts that may be none of the pool
    std::set<std::string> given_up_;    // of these
    std::set<std::string> asked_;       // join or come back as asked, whatever was inferred
};

}  // namespace

InferredChange infer_change(const PoolPolicy& policy, const std::vector<HostDump>& dumps) {
    return Inference(policy, dumps).run();
}

InferredChange with_explicit(InferredChange inferred, const PoolChange& asked) {
    return Overlay(std::move(inferred)).run(asked);
}

}  // namespace poolcpuid
