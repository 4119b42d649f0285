#include "compare/provenance.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
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
    std::erase_if(host.names,
                  [&](const std::string& name) { return std::binary_search(names.begin(), names.end(), name); });
    host.count -= names.size();
}

// A host that was captured again is not one that left and one that came.
void pair_recaptured(Provenance& result) {
    std::map<std::string, std::size_t> old_class;  // by the names that are listed
    for (std::size_t i = 0; i < result.hosts_removed.size(); ++i) {
        for (const std::string& name : result.hosts_removed[i].names) old_class.emplace(name, i);
    }
    for (HostClass& after : result.hosts_added) {
        std::map<std::size_t, std::vector<std::string>> again;  // by the class before
        for (const std::string& name : after.names) {
            const auto at = old_class.find(name);
            if (at != old_class.end()) again[at->second].push_back(name);
        }
        for (const auto& [index, names] : again) {
            HostClass& before = result.hosts_removed[index];
            result.hosts_recaptured.push_back({only(before, names), only(after, names)});
            take_away(names, before);
            take_away(names, after);
        }
    }
    const auto is_empty = [](const HostClass& host) { return host.count == 0; };
    std::erase_if(result.hosts_removed, is_empty);
    std::erase_if(result.hosts_added, is_empty);
}

void compare_hosts(const PoolPolicy& before, const PoolPolicy& after, Provenance& result) {
    const auto by_digest = [](const PoolPolicy& policy) {
        std::map<std::string, const HostClass*> classes;
        for (const HostClass& host : policy.hosts) classes[host.sha256] = &host;
        return classes;
    };
    const auto old_classes = by_digest(before);
    const auto new_classes = by_digest(after);
    for (const auto& [digest, host] : old_classes) {
        const auto at = new_classes.find(digest);
        if (at == new_classes.end()) {
            result.hosts_removed.push_back(*host);
        } else if (*host != *at->second) {
            result.hosts_renamed.push_back({*host, *at->second});
        }
    }
    for (const auto& [digest, host] : new_classes) {
        if (!old_classes.contains(digest)) result.hosts_added.push_back(*host);
    }
    pair_recaptured(result);
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
    const PoolPolicy before = as_minor(as_read_before, minor);
    const PoolPolicy after = as_minor(as_read_after, minor);
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
    return result;
}

}  // namespace poolcpuid::compare
