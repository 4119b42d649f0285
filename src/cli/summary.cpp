#include "cli/summary.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "cli/host_names.hpp"
#include "cli/page.hpp"
#include "policy/document_text.hpp"
#include "policy/summary_groups.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::size_t list_indent = 4;

class Summary {
public:
    Summary(const PoolPolicy& policy, const Rulebook& rulebook, std::size_t width, bool colour)
        : policy_(policy), rulebook_(rulebook), width_(width), colour_(colour) {}

    std::string text() {
        head();
        const summary::Groups groups = summary::groups_of(policy_, rulebook_);
        given_up(groups.given_up);
        mitigations(groups.given_up);
        announced(groups.announced);
        limits(groups.limits);
        findings();
        return terminal_text(text_, colour_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    void title(const std::string& text) { line("\n" + painted(wrapped(text, width_, 0, 2), Colour::bold)); }

    // A label of more than half a line is wrapped with the text.
    void paragraph(const std::string& label, const std::string& text, Colour colour = Colour::none) {
        const std::size_t column = list_indent + display_width(label);
        if (column > width_ / 2)
            return line(std::string(list_indent, ' ') + wrapped(label + text, width_, list_indent, list_indent + 2));
        line(std::string(list_indent, ' ') + painted(label, colour) + wrapped(text, width_, column, list_indent + 2));
    }

    void head() {
        const auto classes = std::count_if(policy_.hosts.begin(), policy_.hosts.end(),
                                           [](const HostClass& host) { return !host.is_ceiling(); });
        const bool are_alike = static_cast<std::size_t>(classes) != size_.hosts;
        line(painted(printable(policy_.pool), Colour::bold) + ": " + counted_hosts(size_.hosts) +
             (are_alike ? " in " + std::to_string(classes) + " classes of equal content" : "") + ", " + policy_.vendor);
        line("identity: " + summary::identity_text(policy_, rulebook_));
        line("rulebook: " + policy_.rulebook_version + " (" + policy_.rulebook_sha256.substr(0, 12) + ")");
    }

    std::string name_of(const Decision& decision) const { return document::name_of(rulebook_, decision); }

    std::string names(const HostList& hosts) const { return printable(hosts_text(hosts, size_)); }

    // The hosts that decided, or who else did.
    std::string deciding(const Decision& decision) const {
        const summary::Deciders deciders = summary::deciders_of(decision, rulebook_);
        if (deciders.hosts.count == 0) return "set by the operator";
        return (deciders.known ? "" : "not known of ") + names(deciders.hosts);
    }

    static const char* title_of(summary::Loss loss) {
        switch (loss) {
            case summary::Loss::unknown: return "Given up: % that not every host is known to have";
            case summary::Loss::followed: return "Given up: % that all hosts have, with what they stand on";
            case summary::Loss::option: return "Taken by the operator's options: %";
            case summary::Loss::lacking: break;
        }
        return "Given up: % that not every host has";
    }

    std::string label_of(const summary::GivenUp& loss) const {
        switch (loss.loss) {
            case summary::Loss::unknown: return "not known of " + names(loss.hosts) + ": ";
            case summary::Loss::followed: return "because of " + names(loss.hosts) + ": ";
            case summary::Loss::option: return loss.option.empty() ? "and with those: " : printable(loss.option) + ": ";
            case summary::Loss::lacking: break;
        }
        return names(loss.hosts) + " without: ";
    }

    void given_up(const std::vector<summary::GivenUp>& losses) {
        for (auto first = losses.begin(); first != losses.end();) {
            const auto last = std::find_if(first, losses.end(),
                                           [&](const summary::GivenUp& other) { return other.loss != first->loss; });
            std::size_t count = 0;
            for (auto loss = first; loss != last; ++loss) count += loss->features.size();
            std::string text = title_of(first->loss);
            title(text.replace(text.find('%'), 1, std::to_string(count) + (count == 1 ? " feature" : " features")));
            for (; first != last; ++first) put(*first);
        }
    }

    void put(const summary::GivenUp& loss) {
        std::vector<std::string> features;
        for (const Decision* decision : loss.features) features.push_back(name_of(*decision));
        paragraph(label_of(loss), joined(features), Colour::cyan);
    }

    // What guests can no longer do against attacks, of all that is given up.
    void mitigations(const std::vector<summary::GivenUp>& losses) {
        std::vector<std::pair<std::string, std::string>> lost;
        for (const summary::GivenUp& loss : losses) {
            for (const Decision* decision : loss.features) {
                const FieldIndex index = rulebook_.find(decision->field);
                if (index == no_field || rulebook_[index].mitigation.empty()) continue;
                lost.emplace_back(name_of(*decision), joined(rulebook::mitigated_names(rulebook_, rulebook_[index])));
            }
        }
        if (lost.empty()) return;
        title("Mitigations among them: " + std::to_string(lost.size()) + ", of");
        for (const auto& [name, vulnerabilities] : lost) paragraph(padded(name, 26) + " ", vulnerabilities);
    }

    void announced(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        title("Set because a host relaxes a promise (OR: clear would be a false promise)");
        for (const Decision* decision : decisions) {
            paragraph(padded(name_of(*decision), 26) + " ", deciding(*decision));
        }
    }

    std::string value_of(const Decision& decision) const {
        const FieldIndex index = rulebook_.find(decision.field);
        return index == no_field ? decision.value : document::value_text(rulebook_[index], decision.value);
    }

    void limits(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        title("Limits");
        for (const Decision* decision : decisions) {
            paragraph(padded(name_of(*decision), 26) + " ", value_of(*decision) + " (" + deciding(*decision) + ")");
        }
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
            const Colour colour = finding.severity == Severity::error ? Colour::red : Colour::yellow;
            paragraph(std::string(to_string(finding.severity)) + " " + finding.code + ": ", finding.message, colour);
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
