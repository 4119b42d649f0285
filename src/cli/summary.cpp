#include "cli/summary.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "cli/host_names.hpp"
#include "cli/terminal_text.hpp"
#include "cli/text_layout.hpp"
#include "merge/reasons.hpp"
#include "policy/document_text.hpp"
#include "summary/groups.hpp"
#include "text/joined.hpp"
#include "text/printable.hpp"

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

    std::string name_of(const Decision& decision) const {
        return document::field_text(rulebook_, decision.field, decision.place);
    }

    // The hosts behind a decision, which lists only the first of many.
    std::string limiting(const Decision& decision) const {
        const FieldIndex index = rulebook_.find(decision.field);
        const std::string_view why = index == no_field ? std::string_view() : rulebook_[index].why;
        return printable(hosts_text({decision.because, merge::parts_of(decision, why).limiting}, size_));
    }

    void given_up(const std::vector<summary::GivenUp>& losses) {
        std::size_t count = 0;
        for (const summary::GivenUp& loss : losses) count += loss.features.size();
        if (count == 0) return;
        title("Given up: " + std::to_string(count) + (count == 1 ? " feature" : " features") +
              " that not every host has");
        for (const summary::GivenUp& loss : losses) {
            std::vector<std::string> names;
            for (const Decision* decision : loss.features) names.push_back(name_of(*decision));
            paragraph(limiting(*loss.features.front()) + " without: ", joined(names), Colour::cyan);
        }
    }

    void announced(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        title("Set because a host relaxes a promise (OR: clear would be a false promise)");
        for (const Decision* decision : decisions) {
            paragraph(padded(name_of(*decision), 26) + " ",
                      decision->because.empty() ? "set by the operator" : limiting(*decision));
        }
    }

    void limits(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        title("Limits");
        for (const Decision* decision : decisions) {
            paragraph(padded(name_of(*decision), 26) + " ",
                      std::to_string(summary::number_of(decision->value)) + " (" + limiting(*decision) + ")");
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
