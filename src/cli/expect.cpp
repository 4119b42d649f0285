// merge --expect: whether a policy is what the inputs give, and if not, why not.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "cli/texts.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::cli {

namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

// What a policy can be compared by with expected: a document of an older minor version has not all that one says now,
// and words its findings otherwise.
PoolPolicy comparable(const PoolPolicy& policy, const PoolPolicy& expected) {
    PoolPolicy result = as_minor(expected.lean ? as_lean(policy) : policy, expected.minor);
    if (!expected.older_sha256.empty()) result.decisions.clear();
    if (expected.minor < policy_minor) {
        for (Finding& finding : result.findings) finding.message.clear();
    }
    result.older_sha256.clear();
    return result;
}

std::string rulebook_of(const PoolPolicy& policy) {
    return policy.rulebook_version + " (sha256 " + policy.rulebook_sha256 + ")";
}

// The names of a class, and how many more there are.
std::string hosts_of(const HostClass& host) { return short_list(host.names, most_names, host.count); }

class Expectation {
public:
    Expectation(const Rulebook& rulebook, const std::string& file, const PoolPolicy& expected, const PoolPolicy& actual,
                const Names& names)
        : rulebook_(rulebook),
          file_(file),
          expected_(comparable(expected, expected)),
          actual_(comparable(actual, expected)),
          names_(names),
          difference_(differences(rulebook, expected_, actual_)) {
        // A ceiling joins as one more host, and is none of the inputs: another one is another option.
        for (const HostClass& host : expected_.hosts) {
            if (!host.is_ceiling()) hosts_.push_back(&host);
        }
    }

    std::vector<Problem> run() {
        circumstances();
        hosts();
        if (causes_.empty()) {
            by_hand();
        } else if (!difference_.changes.empty()) {
            const std::size_t count = difference_.changes.size();
            Problem& problem = cause("fields", "with that, " + counted(count, "field is", "fields are") +
                                                   " not the same (poolcpuid diff lists them)");
            for (const FieldChange& change : difference_.changes) problem.fields.push_back(name_of(rulebook_, change));
        }
        return std::move(causes_);
    }

private:
    // One more cause.
    Problem& cause(const char* word, const std::string& sentence) {
        Problem problem{.kind = "expect", .message = file_ + ": " + sentence};
        problem.cause = word;
        problem.file = file_;
        causes_.push_back(std::move(problem));
        return causes_.back();
    }

    void cause_of_host(const char* word, const std::string& host, const std::string& sentence) {
        cause(word, sentence).hosts = {{host}, 1};
    }

    void circumstances() {
        if (difference_.provenance.rulebook) {
            cause("rulebook", "it was made with another rulebook: version " + rulebook_of(expected_) + ", not " +
                                  rulebook_of(actual_));
        }
        if (difference_.provenance.options) {
            cause("options", "it was made with other options: " + document::options_text(expected_.options) +
                                 "; this run has " + document::options_text(actual_.options));
        }
        if (difference_.provenance.pool) {
            cause("pool", "its pool is called " + expected_.pool + "; this run's --pool is " + actual_.pool);
        }
    }

    // The host of this name among the inputs, or nothing.
    const std::string* digest_now(const std::string& name) const {
        const auto at = std::lower_bound(names_.begin(), names_.end(), name,
                                         [](const auto& entry, const std::string& key) { return entry.first < key; });
        return at != names_.end() && at->first == name ? &at->second : nullptr;
    }

    // Changed and missing hosts by the names that the document lists; returns those that changed.
    std::set<std::string> changed_or_missing() {
        std::set<std::string> changed;
        for (const HostClass* host : hosts_) {
            for (const std::string& name : host->names) {
                const std::string* const now = digest_now(name);
                if (now == nullptr) {
                    cause_of_host("host-missing", name,
                                  "host " + name + " (sha256 " + host->sha256 + ") is missing from the inputs");
                } else if (*now != host->sha256) {
                    changed.insert(name);
                    cause_of_host(
                        "host-changed", name,
                        "the dump of host " + name + " changed: its sha256 was " + host->sha256 + ", now " + *now);
                }
            }
        }
        return changed;
    }

    static bool lists_all(const HostClass& host) { return host.count <= host.names.size(); }

    static bool lists(const HostClass& host, const std::string& name) {
        return std::find(host.names.begin(), host.names.end(), name) != host.names.end();
    }

    void hosts() {
        const std::size_t before = causes_.size();
        const std::set<std::string> changed = changed_or_missing();
        std::map<std::string, const HostClass*> known;
        for (const HostClass* host : hosts_) known[host->sha256] = host;
        for (const auto& [name, digest] : names_) {
            const auto at = known.find(digest);
            const bool could_be_its = at != known.end() && (!lists_all(*at->second) || lists(*at->second, name));
            if (could_be_its || changed.contains(name)) continue;
            cause_of_host("host-new", name, "host " + name + " (sha256 " + digest + ") was not among its inputs");
        }
        for (const HostClass* host : hosts_) {
            if (!lists_all(*host)) count(*host);
        }
        if (causes_.size() == before && difference_.provenance.names) {
            cause("host-names", "the hosts have other names than those that it was made with");
        }
    }

    // Of a class with more hosts than the document names, only the number can be compared.
    void count(const HostClass& host) {
        const auto now = static_cast<std::size_t>(std::count_if(
            names_.begin(), names_.end(), [&](const auto& entry) { return entry.second == host.sha256; }));
        if (now == host.count) return;
        cause("host-count", "it had " + std::to_string(host.count) + " hosts with the sha256 " + host.sha256 + " (" +
                                hosts_of(host) + "), the inputs have " + std::to_string(now))
            .hosts = {host.names, host.count};
    }

    // The same inputs, rulebook and options: what still differs was not written by merge.
    void by_hand() {
        for (const FieldChange& change : difference_.changes) {
            const std::string name = name_of(rulebook_, change);
            changed(name + " (" + document::place_text(change.place) + ")", change.before, change.after).fields = {
                name};
        }
        if (!causes_.empty() || expected_ == actual_) return;
        if (expected_.level != actual_.level) changed("the level", level_text(expected_), level_text(actual_));
        features();
        for (const std::string& other : other_differences(difference_)) not_the_rest(other);
        if (causes_.empty()) not_the_rest("the order or the wording of " + enumerate(unlike_members()));
    }

    static std::string level_text(const PoolPolicy& policy) { return policy.level.empty() ? "none" : policy.level; }

    // What the document has in a place, and what belongs there.
    Problem& changed(const std::string& what, const std::string& found, const std::string& expected) {
        Problem& problem =
            cause("document", what + " is " + found + " in it, and these inputs give " + expected + by_whom);
        problem.expected = expected;
        problem.found = found;
        return problem;
    }

    void not_the_rest(const std::string& what) {
        cause("document", "its registers are right, but not the rest: " + what + by_whom);
    }

    // The list of features, which follows from the registers.
    void features() {
        const auto missing = [](const std::vector<std::string>& from, const std::vector<std::string>& in) {
            std::vector<std::string> rest;
            std::copy_if(from.begin(), from.end(), std::back_inserter(rest),
                         [&](const std::string& id) { return std::find(in.begin(), in.end(), id) == in.end(); });
            return rest;
        };
        const auto put = [&](const std::vector<std::string>& ids, const char* says) {
            if (ids.empty()) return;
            cause("document",
                  std::string("its list of features ") + says + " " + short_list(ids, most_fields) + by_whom)
                .fields = ids;
        };
        put(missing(expected_.features, actual_.features), "has what the guest has not:");
        put(missing(actual_.features, expected_.features), "lacks");
    }

    // The members that are not the same to the letter.
    std::vector<std::string> unlike_members() const {
        std::vector<std::string> members;
        const auto put = [&](const char* member, bool is_same) {
            if (!is_same) members.emplace_back(member);
        };
        put("features", expected_.features == actual_.features);
        put("hosts", expected_.hosts == actual_.hosts);
        put("owned", expected_.owned == actual_.owned);
        put("decisions", expected_.decisions == actual_.decisions);
        put("findings", expected_.findings == actual_.findings);
        if (members.empty()) members.emplace_back("cpuid");  // rows of zeros, which say what no row says
        return members;
    }

    static constexpr const char* by_whom = "; the document was changed after it was made";

    const Rulebook& rulebook_;
    const std::string& file_;
    const PoolPolicy expected_;
    const PoolPolicy actual_;
    const Names& names_;
    std::vector<const HostClass*> hosts_;  // of expected_, without a ceiling
    Difference difference_;
    std::vector<Problem> causes_;
};

}  // namespace

std::vector<Problem> unexpected(const Rulebook& rulebook, const std::string& file, const PoolPolicy& expected,
                                const PoolPolicy& actual, const Names& names) {
    return Expectation(rulebook, file, expected, actual, names).run();
}

}  // namespace poolcpuid::cli
