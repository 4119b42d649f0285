// The summary of a policy.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "cli/texts.hpp"
#include "policy/document_text.hpp"
#include "policy/summary_groups.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::cli {

namespace {

class Summary {
public:
    Summary(const PoolPolicy& policy, const Rulebook& rulebook, bool notes, Page& page)
        : policy_(policy), rulebook_(rulebook), notes_(notes), page_(page) {}

    void put() {
        head();
        const summary::Groups groups = summary::groups_of(policy_, rulebook_);
        given_up(groups.given_up);
        mitigations(groups.given_up);
        announced(groups.announced);
        limits(groups.limits);
        findings();
    }

private:
    void paragraph(const std::string& label, const std::string& text, Colour colour = Colour::none) {
        page_.paragraph(4, label, text, colour, 2);
    }

    void head() {
        const auto classes = std::count_if(policy_.hosts.begin(), policy_.hosts.end(),
                                           [](const HostClass& host) { return !host.is_ceiling(); });
        const bool are_alike = static_cast<std::size_t>(classes) != size_.hosts;
        page_.paragraph(0, policy_.pool,
                        ": " + counted(size_.hosts, "host") +
                            (are_alike ? " in " + std::to_string(classes) + " classes of equal content" : "") + ", " +
                            policy_.vendor,
                        Colour::bold, 2);
        page_.line("identity: " + summary::identity_text(policy_, rulebook_));
        page_.line("rulebook: " + policy_.rulebook_version + " (" + policy_.rulebook_sha256.substr(0, 12) + ")");
    }

    // A name with blanks up to where the words start, on a page that has room for two columns.
    std::string in_column(const std::string& name) const {
        constexpr std::size_t columns = 26;
        return padded(name, page_.width() / 2 > columns + 4 ? columns : 0) + " ";
    }

    std::string name_of(const Decision& decision) const { return document::name_of(rulebook_, decision); }

    std::string names(const HostList& hosts) const { return hosts_text(hosts, size_); }

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
            case summary::Loss::option: return loss.option.empty() ? "and with those: " : loss.option + ": ";
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
            page_.title(text.replace(text.find('%'), 1, counted(count, "feature")));
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
        page_.title("Mitigations among them: " + std::to_string(lost.size()) + ", of");
        for (const auto& [name, vulnerabilities] : lost) paragraph(in_column(name), vulnerabilities);
    }

    void announced(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        page_.title("Set because a host relaxes a promise (OR: clear would be a false promise)");
        for (const Decision* decision : decisions) {
            paragraph(in_column(name_of(*decision)), deciding(*decision));
        }
    }

    std::string value_of(const Decision& decision) const {
        const FieldIndex index = rulebook_.find(decision.field);
        return index == no_field ? decision.value : document::value_text(rulebook_[index], decision.value);
    }

    void limits(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        page_.title("Limits");
        for (const Decision* decision : decisions) {
            paragraph(in_column(name_of(*decision)), value_of(*decision) + " (" + deciding(*decision) + ")");
        }
    }

    static Colour colour_of(Severity severity) {
        if (severity == Severity::note) return Colour::cyan;
        return severity == Severity::error ? Colour::red : Colour::yellow;
    }

    void findings() {
        std::map<Severity, std::size_t> counts;
        for (const Finding& finding : policy_.findings) ++counts[finding.severity];
        page_.title("Findings: " + counted(counts[Severity::error], "error") + ", " +
                    counted(counts[Severity::warning], "warning") + ", " + counted(counts[Severity::note], "note"));
        for (const Finding& finding : policy_.findings) {
            if (finding.severity == Severity::note && !notes_) continue;
            paragraph(std::string(to_string(finding.severity)) + " " + finding.code + ": ", finding.message,
                      colour_of(finding.severity));
        }
        if (counts[Severity::note] != 0 && !notes_)
            paragraph(counted(counts[Severity::note], "note") + ": ", "--notes shows them");
    }

    const PoolPolicy& policy_;
    const Rulebook& rulebook_;
    bool notes_;
    Page& page_;
    PoolSize size_ = size_of(policy_);
};

}  // namespace

void merge_text(const PoolPolicy& policy, const Rulebook& rulebook, Page& page, bool notes) {
    Summary(policy, rulebook, notes, page).put();
}

}  // namespace poolcpuid::cli
