#include "compare/provenance.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace poolcpuid::compare {

namespace {

// What entries are sorted by: equal ones have equal keys, and few others have.
const BitPlace& key_of(const BitPlace& place) { return place; }
std::pair<BitPlace, std::string_view> key_of(const Decision& decision) { return {decision.place, decision.field}; }
std::pair<std::string_view, std::string_view> key_of(const Finding& finding) { return {finding.code, finding.message}; }

// The entries of a that b does not have, in their order. N log N in the entries of both, but for those of one key.
template <typename T>
std::vector<T> missing(const std::vector<T>& a, const std::vector<T>& b) {
    std::multimap<std::decay_t<decltype(key_of(b.front()))>, const T*> others;
    for (const T& entry : b) others.emplace(key_of(entry), &entry);
    std::vector<T> result;
    std::copy_if(a.begin(), a.end(), std::back_inserter(result), [&](const T& entry) {
        const auto [first, last] = others.equal_range(key_of(entry));
        return std::none_of(first, last, [&](const auto& other) { return *other.second == entry; });
    });
    return result;
}

// The class with these of its hosts alone, or without them.
HostClass only(HostClass host, std::vector<std::string> names) {
    host.count = names.size();
    host.names = std::move(names);
    return host;
}

void take_away(const std::vector<std::string>& names, HostClass& host) {
    host.count -= std::erase_if(
        host.names, [&](const std::string& name) { return std::binary_search(names.begin(), names.end(), name); });
}

using Classes = std::map<std::string, HostClass>;  // by digest

Classes classes_of(const PoolPolicy& policy) {
    Classes classes;
    for (const HostClass& host : policy.hosts) classes.emplace(host.sha256, host);
    return classes;
}

// Takes out the hosts that have other content under the same name: such a host neither left nor came, and none of its
// former class was renamed. Their pairs, by digests.
std::vector<HostPair> take_recaptured(Classes& before, Classes& after) {
    std::map<std::string_view, const std::string*> old_digests;  // by the names that are listed
    for (const auto& [digest, host] : before) {
        for (const std::string& name : host.names) old_digests.emplace(name, &digest);
    }
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> again;  // by the digests before and after
    for (const auto& [digest, host] : after) {
        for (const std::string& name : host.names) {
            const auto at = old_digests.find(name);
            if (at != old_digests.end() && *at->second != digest) again[{*at->second, digest}].push_back(name);
        }
    }
    std::vector<HostPair> pairs;
    for (const auto& [digests, names] : again) {
        HostClass& old = before.at(digests.first);
        HostClass& now = after.at(digests.second);
        pairs.push_back({only(old, names), only(now, names)});
        take_away(names, old);
        take_away(names, now);
    }
    const auto is_empty = [](const auto& entry) { return entry.second.count == 0; };
    std::erase_if(before, is_empty);
    std::erase_if(after, is_empty);
    return pairs;
}

// The same hosts, as far as their names are listed, and the same said of them.
bool are_same(HostClass before, HostClass after) {
    const std::size_t listed = std::min(before.names.size(), after.names.size());
    if (listed < before.count && before.count == after.count) {
        before.names.resize(listed);
        after.names.resize(listed);
    }
    return before == after;
}

void compare_hosts(const PoolPolicy& before, const PoolPolicy& after, Provenance& result) {
    Classes old_classes = classes_of(before);
    Classes new_classes = classes_of(after);
    result.hosts_recaptured = take_recaptured(old_classes, new_classes);
    for (const auto& [digest, host] : old_classes) {
        const auto at = new_classes.find(digest);
        if (at == new_classes.end()) {
            result.hosts_removed.push_back(host);
        } else if (!are_same(host, at->second)) {
            result.hosts_renamed.push_back({host, at->second});
        }
    }
    for (const auto& [digest, host] : new_classes) {
        if (!old_classes.contains(digest)) result.hosts_added.push_back(host);
    }
}

// A finding on a field that both have of other hosts is neither gone nor new. Of several on one field nobody can say
// which became which; nor of those on none, of which a sentence alone says what they are about.
void pair_findings(Provenance& result) {
    using Key = std::tuple<Severity, std::string, std::string>;
    const auto key = [](const Finding& finding) { return Key{finding.severity, finding.code, finding.field}; };
    std::map<Key, std::pair<std::vector<const Finding*>, std::vector<const Finding*>>> alike;
    for (const Finding& finding : result.findings_removed) alike[key(finding)].first.push_back(&finding);
    for (const Finding& finding : result.findings_added) alike[key(finding)].second.push_back(&finding);
    std::set<const Finding*> paired;
    for (const auto& [of, findings] : alike) {
        const auto& [removed, added] = findings;
        if (std::get<2>(of).empty() || removed.size() != 1 || added.size() != 1) continue;
        result.findings_changed.push_back({*removed.front(), *added.front()});
        paired.insert({removed.front(), added.front()});
    }
    const auto is_paired = [&](const Finding& finding) { return paired.contains(&finding); };
    for (auto* list : {&result.findings_removed, &result.findings_added}) {
        std::vector<Finding> rest;
        std::remove_copy_if(list->begin(), list->end(), std::back_inserter(rest), is_paired);
        *list = std::move(rest);
    }
}

// Decisions without their sentences, which may be worded otherwise and say the same.
std::vector<Decision> data_of(std::vector<Decision> decisions) {
    for (Decision& decision : decisions) decision.reason.clear();
    return decisions;
}

// The fields whose decision is not in both, once each, in order of place.
std::vector<std::string> decided_otherwise(const PoolPolicy& before, const PoolPolicy& after) {
    const std::vector<Decision> old_decisions = data_of(before.decisions);
    const std::vector<Decision> new_decisions = data_of(after.decisions);
    std::set<std::pair<BitPlace, std::string>> fields;
    for (const Decision& decision : missing(old_decisions, new_decisions)) {
        fields.emplace(decision.place, decision.field);
    }
    for (const Decision& decision : missing(new_decisions, old_decisions)) {
        fields.emplace(decision.place, decision.field);
    }
    std::vector<std::string> ids;
    std::set<std::string_view> seen;
    for (const auto& [place, id] : fields) {
        if (seen.insert(id).second) ids.push_back(id);
    }
    return ids;
}

}  // namespace

Provenance provenance(const PoolPolicy& as_read_before, const PoolPolicy& as_read_after) {
    const unsigned minor = std::min(as_read_before.minor, as_read_after.minor);
    const bool lean = as_read_before.lean || as_read_after.lean;
    const auto comparable = [&](const PoolPolicy& policy) {
        return lean ? as_lean(as_minor(policy, minor)) : as_minor(policy, minor);
    };
    const PoolPolicy before = comparable(as_read_before);
    const PoolPolicy after = comparable(as_read_after);
    Provenance result;
    result.rulebook =
        before.rulebook_sha256 != after.rulebook_sha256 || before.rulebook_version != after.rulebook_version;
    result.options = before.options != after.options;
    result.pool = before.pool != after.pool;
    result.names = before.names_sha256 != after.names_sha256;
    compare_hosts(before, after, result);
    result.owned_removed = missing(before.owned, after.owned);
    result.owned_added = missing(after.owned, before.owned);
    result.decisions = decided_otherwise(before, after);
    result.findings_removed = missing(before.findings, after.findings);
    result.findings_added = missing(after.findings, before.findings);
    pair_findings(result);
    return result;
}

}  // namespace poolcpuid::compare
