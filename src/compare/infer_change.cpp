#include "poolcpuid/infer_change.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/lists.hpp"
#include "base/sha256.hpp"
#include "compare/members.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/finding_code.hpp"

namespace poolcpuid {

namespace {

constexpr FindingCode unnamed_hosts_gone("unnamed-hosts-gone");

// A class of equal hosts of the policy, and how many of its hosts are not accounted for yet.
struct Class {
    const HostClass* listed = nullptr;
    std::size_t unnamed = 0;  // hosts that the policy counts and does not name
};

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
        say_what_is_not_known();
        std::sort(result_.lost.begin(), result_.lost.end(),
                  [](const FormerHost& a, const FormerHost& b) { return a.name < b.name; });
        return std::move(result_);
    }

private:
    // As many dumps of each content as the policy has hosts of it, and no other.
    bool same_contents() const {
        std::map<std::string, std::size_t> counts;
        for (const HostDump& dump : dumps_) ++counts[dump.sha256];
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

    std::string names_digest() const {
        std::string text;
        for (const HostDump* dump : by_name()) text += dump->name + "\n";
        return sha256_hex(text);
    }

    bool take_listed(const HostDump& dump) {
        const auto at = names_.find(dump.name);
        if (at == names_.end()) return false;
        seen_.insert(dump.name);
        if (at->second == dump.sha256) {
            result_.kept.push_back(dump);
        } else {
            result_.lost.push_back({dump.name, at->second});
            result_.change.replaced.push_back(dump);
        }
        return true;
    }

    // One of the hosts of its class that the policy does not name, as far as there are any.
    bool take_unnamed(const HostDump& dump) {
        const auto at = classes_.find(dump.sha256);
        if (at == classes_.end() || at->second.unnamed == 0) return false;
        --at->second.unnamed;
        --unnamed_;
        result_.kept.push_back(dump);
        taken_.push_back(dump.name);
        return true;
    }

    // former: the digest of the host that it may be.
    void take_stranger(const HostDump& dump, const std::string& former) {
        if (unnamed_ == 0) {
            result_.change.added.push_back(dump);
        } else if (same_names()) {
            result_.lost.push_back({dump.name, former});
            result_.change.replaced.push_back(dump);
            ++came_back_;
        } else {
            result_.change.added.push_back(dump);
            doubtful_.push_back(dump.name);
        }
    }

    void leave(const std::string& name, const std::string& digest) {
        result_.lost.push_back({name, digest});
        result_.change.removed.push_back(name);
    }

    bool same_names() {
        if (!same_names_) same_names_ = names_digest() == policy_.names_sha256;
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

    void say_what_is_not_known() {
        if (!doubtful_.empty()) {
            find("may-have-changed",
                 enumerate(doubtful_) + (doubtful_.size() == 1 ? " joins, or is a host" : " join, or are hosts") +
                     " of the pool that came back changed: the policy names at most " + std::to_string(most_names) +
                     " hosts of equal content. The plan takes it for joining; --replace NAME=FILE says otherwise.",
                 doubtful_);
        }
        if (!taken_.empty() && !same_names()) {
            find("may-have-joined",
                 enumerate(taken_) + (taken_.size() == 1 ? " has" : " have") +
                     " the content of hosts that the policy counts and does not name, and " +
                     (taken_.size() == 1 ? "is taken for one" : "are taken for some") +
                     " of these. Whether others of the same content left, and these joined, is not known.",
                 taken_);
        }
        const std::size_t gone = unnamed_ - std::min(unnamed_, came_back_);
        result_.unnamed = gone;
        if (gone == 0) return;
        find(unnamed_hosts_gone,
             counted(gone, "host") + " that the policy counts and does not name " + (gone == 1 ? "has" : "have") +
                 " no dump of the content that it had: left, or came back changed under a name that the plan takes "
                 "for joining. Where their VMs are is not known.",
             {});
    }

    void find(FindingCode code, std::string message, const std::vector<std::string>& hosts) {
        const std::vector<std::string> first(
            hosts.begin(), hosts.begin() + static_cast<std::ptrdiff_t>(std::min(hosts.size(), most_names)));
        result_.findings.push_back(
            {Severity::warning, std::string(code), std::move(message), {}, {first, hosts.size()}});
    }

    const PoolPolicy& policy_;
    const std::vector<HostDump>& dumps_;
    std::map<std::string, Class> classes_;      // by digest
    std::size_t unnamed_ = 0;                   // of all classes
    std::map<std::string, std::string> names_;  // listed: digest by name
    std::set<std::string> seen_;                // of these, those with a dump
    std::optional<bool> same_names_;
    std::vector<std::string> taken_;     // for hosts that the policy does not name
    std::vector<std::string> doubtful_;  // taken for joining
    std::size_t came_back_ = 0;          // of the hosts that the policy does not name
    InferredChange result_;
};

// What is asked for, laid over what was inferred.
class Overlay {
public:
    explicit Overlay(InferredChange inferred) : result_(std::move(inferred)) {
        for (const HostDump& host : result_.kept) members_.insert(host.name);
        for (const FormerHost& host : result_.lost) {
            members_.insert(host.name);
            lost_.insert(host.name);
        }
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
            leaving.merge(matching(pattern));
        }
        remove(leaving);
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
        if (result_.unnamed == 0 || members_.contains(name)) return;
        result_.lost.push_back({name, {}});
        members_.insert(name);
        lost_.insert(name);
        if (--result_.unnamed > 0) return;
        std::erase_if(result_.findings, [](const Finding& finding) { return finding.code == unnamed_hosts_gone; });
    }

    void remove(const std::set<std::string>& leaving) {
        std::erase_if(result_.change.replaced,
                      [&](const HostDump& host) { return leaving.contains(host.name) && !asked_.contains(host.name); });
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
    std::set<std::string> members_;  // of the pool, by the policy: kept and lost
    std::set<std::string> lost_;     // of these
    std::set<std::string> asked_;    // join or come back as asked, whatever was inferred
};

}  // namespace

InferredChange infer_change(const PoolPolicy& policy, const std::vector<HostDump>& dumps) {
    return Inference(policy, dumps).run();
}

InferredChange with_explicit(InferredChange inferred, const PoolChange& asked) {
    return Overlay(std::move(inferred)).run(asked);
}

}  // namespace poolcpuid
