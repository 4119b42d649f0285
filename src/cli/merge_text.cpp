// The summary of a policy.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "cli/texts.hpp"
#include "policy/document_text.hpp"
#include "policy/summary_groups.hpp"
#include "poolcpuid/finding_code.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::cli {

namespace {

class Summary {
public:
    Summary(const PoolPolicy& policy, const Rulebook& rulebook, bool notes, Page& page)
        : policy_(policy), rulebook_(rulebook), notes_(notes), page_(page) {}

    void put() {
        head();
        outliers();
        const summary::Groups groups = summary::groups_of(policy_, rulebook_);
        given_up(groups.given_up);
        mitigations(groups.given_up);
        announced("Set because a host relaxes a promise (OR: clear would be a false promise)", groups.announced);
        announced("Set by the operator's options, though no host relaxes the promise", groups.announced_by_option);
        limits(groups.limits);
        findings();
    }

private:
    // A pool that is told by its CPUs: not all of its hosts can be named, and few of many groups have room on a screen.
    bool is_fleet() const { return size_.hosts > most_hosts_listed; }

    void paragraph(const std::string& label, const std::string& text, Colour colour = Colour::none) {
        page_.paragraph(4, label, text, colour, 2);
    }

    void head() {
        const auto classes = static_cast<std::size_t>(std::count_if(
            policy_.hosts.begin(), policy_.hosts.end(), [](const HostClass& host) { return !host.is_ceiling(); }));
        const bool are_alike = classes != size_.hosts;
        page_.paragraph(0, policy_.pool,
                        ": " + counted(size_.hosts, "host") +
                            (are_alike ? " in " + counted(classes, "class", "classes") + " of equal content" : "") +
                            ", " + policy_.vendor + (policy_.level.empty() ? "" : ", " + policy_.level),
                        Colour::bold, 2);
        if (is_fleet() && !cpus_of(policy_).empty())
            page_.paragraph(0, "CPUs: ", document::cpus_text(cpus_of(policy_), most_cpus), Colour::none, 2);
        page_.line("identity: " + summary::identity_text(policy_, rulebook_));
        if (!is_fleet())
            page_.line("rulebook: " + policy_.rulebook_version + " (" + policy_.rulebook_sha256.substr(0, 12) + ")");
    }

    static bool costs_a_feature(const Finding& finding) {
        return finding.code == FindingCode("outlier") && finding.severity == Severity::warning;
    }

    // First, for it is mended where it is, and most of what follows may be gone then.
    void outliers() {
        std::vector<const Finding*> found;
        for (const Finding& finding : policy_.findings) {
            if (costs_a_feature(finding)) found.push_back(&finding);
        }
        if (found.empty()) return;
        page_.title("Outliers: what fewer than half of the hosts with one CPU lack");
        const std::size_t shown = is_fleet() ? std::min(most_outliers, found.size()) : found.size();
        for (std::size_t i = 0; i < shown; ++i) put(*found[i]);
        if (shown < found.size()) paragraph("", "and " + std::to_string(found.size() - shown) + " more");
    }

    // A name with blanks up to where the words start, on a page that has room for two columns.
    std::string in_column(const std::string& name) const {
        constexpr std::size_t columns = 26;
        return padded(name, page_.width() / 2 > columns + 4 ? columns : 0) + " ";
    }

    std::string name_of(const Decision& decision) const { return document::name_of(rulebook_, decision); }

    std::string names(const HostList& hosts) const {
        const bool by_cpu = is_fleet() && hosts.count > most_names_in_fleet && !hosts.cpus.empty();
        return by_cpu ? document::cpus_text(hosts.cpus, most_cpus_in_list) : hosts_text(hosts, size_);
    }

    std::string not_known_of(const HostList& hosts) const {
        return hosts.count == 0 ? "" : "not known of " + names(hosts);
    }

    // The hosts that decided, or who else did.
    std::string deciding(const Decision& decision) const {
        const Deciders deciders = deciders_of(decision);
        const std::string unknown = not_known_of(deciders.unknown);
        if (deciders.known.count == 0) return unknown.empty() ? "set by the operator" : unknown;
        return names(deciders.known) + (unknown.empty() ? "" : "; " + unknown);
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
            case summary::Loss::unknown: return not_known_of(loss.unknown) + ": ";
            case summary::Loss::followed: return "because of " + names(loss.hosts) + ": ";
            case summary::Loss::option: return loss.option.empty() ? "and with those: " : loss.option + ": ";
            case summary::Loss::lacking: break;
        }
        return names(loss.hosts) + " without" + (loss.unknown.count == 0 ? "" : ", " + not_known_of(loss.unknown)) +
               ": ";
    }

    void given_up(const std::vector<summary::GivenUp>& losses) {
        for (auto first = losses.begin(); first != losses.end();) {
            const auto last = std::find_if(first, losses.end(),
                                           [&](const summary::GivenUp& other) { return other.loss != first->loss; });
            put_losses({first, last}, first != losses.begin());
            first = last;
        }
    }

    // Of one kind, after another or as the first.
    void put_losses(const std::vector<summary::GivenUp>& losses, bool is_after) {
        const summary::Loss kind = losses.front().loss;
        if (is_fleet() && is_after && kind == summary::Loss::unknown) return put_unknown(losses);
        std::size_t count = 0;
        for (const summary::GivenUp& loss : losses) count += loss.features.size();
        std::string text = title_of(kind);
        page_.title(text.replace(text.find('%'), 1, counted(count, "feature")));
        put_groups(losses);
    }

    // Of a fleet: of how many hosts each feature is not known.
    void put_unknown(const std::vector<summary::GivenUp>& losses) {
        std::vector<std::string> features;
        for (const summary::GivenUp& loss : losses) {
            for (const Decision* decision : loss.features)
                features.push_back(name_of(*decision) + " (" + counted(loss.unknown.count, "host") + ")");
        }
        paragraph("and not known of every host: ", in_a_row(features), Colour::cyan);
    }

    // Of a fleet the groups of few hosts first: those cost most for what they are. What is not shown is counted.
    void put_groups(std::vector<summary::GivenUp> losses) {
        std::size_t shown = losses.size();
        if (is_fleet()) {
            std::stable_sort(losses.begin(), losses.end(), [](const summary::GivenUp& a, const summary::GivenUp& b) {
                return a.hosts.count + a.unknown.count < b.hosts.count + b.unknown.count;
            });
            shown = std::min(shown, most_groups);
        }
        for (std::size_t i = 0; i < shown; ++i) put(losses[i]);
        if (shown == losses.size()) return;
        std::vector<std::string> rest;
        for (std::size_t i = shown; i < losses.size(); ++i) {
            for (const Decision* decision : losses[i].features) rest.push_back(name_of(*decision));
        }
        paragraph("more hosts, or others, each without some of: ", in_a_row(rest), Colour::cyan);
    }

    void put(const summary::GivenUp& loss) {
        std::vector<std::string> features;
        for (const Decision* decision : loss.features) features.push_back(name_of(*decision));
        paragraph(label_of(loss), in_a_row(features), Colour::cyan);
    }

    std::string in_a_row(const std::vector<std::string>& items) const {
        return is_fleet() ? short_list(items, most_in_a_row) : joined(items);
    }

    // What guests can no longer do against attacks, of all that is given up.
    void mitigations(const std::vector<summary::GivenUp>& losses) {
        const VendorMask vendor = rulebook_.vendor_mask(policy_.vendor);
        std::vector<std::pair<std::string, std::string>> lost;
        for (const summary::GivenUp& loss : losses) {
            for (const Decision* decision : loss.features) {
                const FieldIndex index = rulebook_.find(decision->field);
                if (index == no_field) continue;
                const auto attacks = rulebook::mitigated_names(rulebook_, rulebook_[index], vendor);
                if (!attacks.empty()) lost.emplace_back(name_of(*decision), joined(attacks));
            }
        }
        if (lost.empty()) return;
        const std::string count = std::to_string(lost.size());
        if (is_fleet()) return paragraph("mitigations among them, of: ", short_list(by_count(lost), most_attacks));
        page_.title("Mitigations among them: " + count + ", of");
        for (const auto& [name, vulnerabilities] : lost) paragraph(in_column(name), vulnerabilities);
    }

    // "Spectre v2 ×6", the most frequent first.
    static std::vector<std::string> by_count(const std::vector<std::pair<std::string, std::string>>& lost) {
        CpuCounts counts;
        for (const auto& [name, vulnerabilities] : lost) ++counts[vulnerabilities];
        return document::by_count(counts);
    }

    void announced(const char* title, const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        page_.title(title);
        for (const Decision* decision : decisions) {
            paragraph(in_column(name_of(*decision)), deciding(*decision));
        }
    }

    void limits(const std::vector<const Decision*>& decisions) {
        if (decisions.empty()) return;
        page_.title("Limits");
        for (const Decision* decision : decisions) {
            paragraph(in_column(name_of(*decision)),
                      document::value_text(rulebook_, *decision) + " (" + deciding(*decision) + ")");
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
        std::map<std::string, std::vector<const Finding*>> warnings;  // by code
        for (const Finding& finding : policy_.findings) {
            if (costs_a_feature(finding)) continue;
            const bool is_told = finding.severity == Severity::error || !is_fleet() || notes_;
            if (is_told && (finding.severity != Severity::note || notes_)) put(finding);
            if (finding.severity == Severity::warning && !is_told) warnings[finding.code].push_back(&finding);
        }
        std::vector<std::string> texts;
        for (const auto& [code, of_code] : warnings) texts.push_back(warning_text(code, of_code));
        if (!texts.empty()) paragraph("warnings: ", joined(texts), Colour::yellow);
        if ((counts[Severity::note] != 0 || !texts.empty()) && !notes_) {
            paragraph(counted(counts[Severity::note], "note") + ": ",
                      texts.empty() ? "--notes shows them" : "--notes shows them, and the warnings in full");
        }
    }

    // "unknown-leaf ×3 (19 hosts)"
    static std::string warning_text(const std::string& code, const std::vector<const Finding*>& findings) {
        std::size_t hosts = 0;
        for (const Finding* finding : findings) hosts = std::max(hosts, finding->hosts.count);
        const std::string many = findings.size() > 1 ? " ×" + std::to_string(findings.size()) : "";
        const std::string up_to = findings.size() > 1 ? "up to " : "";
        return code + many + (hosts > 0 ? " (" + up_to + counted(hosts, "host") + ")" : "");
    }

    void put(const Finding& finding) {
        paragraph(std::string(to_string(finding.severity)) + " " + finding.code + ": ", finding.message,
                  colour_of(finding.severity));
    }

    // Of a fleet, so that its summary has room on a screen. --format json has all.
    static constexpr std::size_t most_outliers = 3;
    static constexpr std::size_t most_cpus = 8;
    static constexpr std::size_t most_cpus_in_list = 2;
    static constexpr std::size_t most_names_in_fleet = 3;
    static constexpr std::size_t most_attacks = 4;
    static constexpr std::size_t most_groups = 4;
    static constexpr std::size_t most_in_a_row = 6;

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
