#include "cli/summary.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cli/cpu_name.hpp"
#include "cli/explain_words.hpp"
#include "cli/host_names.hpp"
#include "cli/text_layout.hpp"
#include "merge/reasons.hpp"
#include "text/printable.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t indent = 4;

std::uint64_t number_of(const std::string& value) {
    std::uint64_t number = 0;
    if (value.size() > 2) std::from_chars(value.data() + 2, value.data() + value.size(), number, 16);
    return number;
}

class Summary {
public:
    Summary(const PoolPolicy& policy, const Rulebook& rulebook, std::size_t width, bool colour)
        : policy_(policy), rulebook_(rulebook), width_(width), colour_(colour) {}

    std::string text() {
        head();
        given_up();
        set_by_one();
        limits();
        findings();
        return std::move(text_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    std::string painted(const std::string& text, const char* code) const {
        return colour_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
    }

    void title(const std::string& text) { line("\n" + painted(wrapped(text, width_, 0, 2), "1")); }

    // A label of more than half a line is wrapped with the text.
    void paragraph(const std::string& label, const std::string& text, const char* code = nullptr) {
        const std::size_t column = indent + display_width(label);
        if (column > width_ / 2)
            return line(std::string(indent, ' ') + wrapped(label + text, width_, indent, indent + 2));
        line(std::string(indent, ' ') + (code == nullptr ? label : painted(label, code)) +
             wrapped(text, width_, column, indent + 2));
    }

    void head() {
        const auto classes = std::count_if(policy_.hosts.begin(), policy_.hosts.end(),
                                           [](const HostClass& host) { return host.format != "policy"; });
        const bool are_alike = static_cast<std::size_t>(classes) != size_.hosts;
        line(painted(printable(policy_.pool), "1") + ": " + counted_hosts(size_.hosts) +
             (are_alike ? " in " + std::to_string(classes) + " classes of equal content" : "") + ", " + policy_.vendor);
        line("identity: " + cpu_name(policy_, rulebook_));
        line("rulebook: " + policy_.rulebook_version + " (" + policy_.rulebook_sha256.substr(0, 12) + ")");
    }

    const Field* field_of(const Decision& decision) const {
        const FieldIndex index = rulebook_.find(decision.field);
        return index == no_field ? nullptr : &rulebook_[index];
    }

    std::string name_of(const Decision& decision) const {
        if (decision.place.subleaf_first == 0) return decision.field;
        const Field* field = field_of(decision);
        const bool ranged = field != nullptr && field->subleaf_first != field->subleaf_last;
        return ranged ? decision.field + "[" + std::to_string(decision.place.subleaf_first) + "]" : decision.field;
    }

    // RSBA or RRSBA, as against EIBRS, of a promise group.
    bool is_bad_news(const Decision& decision) const {
        return std::any_of(rulebook_.groups.begin(), rulebook_.groups.end(), [&](const PromiseGroup& group) {
            return rulebook_[group.rsba].id == decision.field || rulebook_[group.rrsba].id == decision.field;
        });
    }

    bool relaxes_promise(const Decision& decision) const {
        return decision.rule == "union" || decision.rule == "guarded" || is_bad_news(decision);
    }

    bool announces_feature(const Decision& decision) const {
        return decision.rule == "intersect" || (decision.rule == "group" && !is_bad_news(decision));
    }

    // The hosts behind a decision, which lists only the first of many.
    HostList limiting(const Decision& decision) const {
        const Field* field = field_of(decision);
        return {decision.because, merge::parts_of(decision, field == nullptr ? "" : field->why).limiting};
    }

    std::string names_of(const HostList& hosts) const { return printable(hosts_text(hosts, size_)); }

    // Features that some hosts have and the policy has not, by the hosts that cost them.
    void given_up() {
        std::map<std::pair<std::vector<std::string>, std::size_t>, std::vector<std::string>> lost;
        std::size_t count = 0;
        for (const Decision& decision : policy_.decisions) {
            std::uint64_t any = 0;
            for (const ValueOfHosts& value : decision.values) any |= number_of(value.value);
            if (!announces_feature(decision) || (any & ~number_of(decision.value)) == 0 || decision.because.empty())
                continue;
            lost[{decision.because, limiting(decision).count}].push_back(name_of(decision));
            ++count;
        }
        if (lost.empty()) return;
        title("Given up: " + std::to_string(count) + " features that not every host has");
        for (const auto& [hosts, fields] : lost) {
            paragraph(names_of({hosts.first, hosts.second}) + " without: ", joined(fields), "36");
        }
    }

    // Relaxed behaviours: in the policy because one host has them.
    void set_by_one() {
        std::vector<std::pair<std::string, std::string>> rows;
        for (const Decision& decision : policy_.decisions) {
            if (!relaxes_promise(decision) || number_of(decision.value) == 0) continue;
            const std::string hosts = decision.because.empty() ? "set by the operator" : names_of(limiting(decision));
            rows.emplace_back(name_of(decision), hosts);
        }
        if (rows.empty()) return;
        title("Set because a host relaxes a promise (OR: clear would be a false promise)");
        for (const auto& [field, hosts] : rows) paragraph(padded(field, 26) + " ", hosts);
    }

    void limits() {
        std::vector<std::pair<std::string, std::string>> rows;
        for (const Decision& decision : policy_.decisions) {
            const bool is_limit = decision.rule == "min" || decision.rule == "max";
            if (!is_limit || decision.because.empty() || number_of(decision.value) == 0) continue;
            rows.emplace_back(name_of(decision),
                              std::to_string(number_of(decision.value)) + " (" + names_of(limiting(decision)) + ")");
        }
        if (rows.empty()) return;
        title("Limits");
        for (const auto& [field, text] : rows) paragraph(padded(field, 26) + " ", text);
    }

    void findings() {
        std::map<Severity, std::size_t> counts;
        for (const Finding& finding : policy_.findings) ++counts[finding.severity];
        const auto counted = [&](Severity severity, const char* one, const char* many) {
            const std::size_t count = counts[severity];
            return std::to_string(count) + " " + (count == 1 ? one : many);
        };
        title("Findings: " + counted(Severity::error, "error", "errors") + ", " +
              counted(Severity::warning, "warning", "warnings") + ", " + counted(Severity::note, "note", "notes"));
        for (const Finding& finding : policy_.findings) {
            if (finding.severity == Severity::note) continue;
            const char* code = finding.severity == Severity::error ? "31" : "33";
            paragraph(std::string(to_string(finding.severity)) + " " + finding.code + ": ", finding.message, code);
        }
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    std::size_t width_;
    bool colour_;
    PoolSize size_ = size_of(policy_);
    std::string text_;
};

}  // namespace

std::string summarise(const PoolPolicy& policy, const Rulebook& rulebook, std::size_t width, bool colour) {
    return Summary(policy, rulebook, width, colour).text();
}

}  // namespace poolcpuid::cli
