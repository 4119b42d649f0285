// audit: the verdicts from the worst down, each vulnerability with what the guest says, then what would help.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/hex.hpp"
#include "cli/texts.hpp"

namespace poolcpuid::cli {

namespace {

// A part of the page.
struct Heading {
    AuditVerdict verdict;
    Colour colour;
    const char* words;
};

constexpr std::array headings{
    Heading{AuditVerdict::falsely_safe, Colour::red,
            "Falsely safe: a host is affected, and the guest there does not know"},
    Heading{AuditVerdict::vulnerable, Colour::yellow, "Open, and the guest says so"},
    Heading{AuditVerdict::unknown, Colour::yellow, "Not known: a dump does not say whether it is true"},
    Heading{AuditVerdict::holds, Colour::green, "True on every host"},
    Heading{AuditVerdict::needless, Colour::none, "Needless: no host is affected"},
};

class AuditText {
public:
    AuditText(const PoolPolicy& policy, const Audit& audit, Page& page) : policy_(policy), audit_(audit), page_(page) {}

    void put() {
        head();
        if (audit_.hosts == 0) {
            page_.title("What it believes; --hosts says whether that is true", Colour::bold);
            for (const AuditEntry& entry : audit_.entries) put(entry, true);
            return;
        }
        for (const Heading& heading : headings) put(heading);
    }

private:
    void head() {
        const Signature& id = audit_.identity;
        page_.line(audit_.kernel.name + " in a VM of " + policy_.pool + " (" + policy_.vendor + ", family " +
                   to_hex(id.family) + " model " + to_hex(id.model) + " stepping " + to_hex(id.stepping) + ")" +
                   (audit_.hosts == 0 ? "" : ", on " + counted(audit_.hosts, "host")));
        for (const GuestAssumption& assumption : audit_.assumptions) {
            if (assumption.holds) page_.line("Assumed: " + assumption.says + ".");
        }
    }

    void put(const Heading& heading) {
        bool is_first = true;
        for (const AuditEntry& entry : audit_.entries) {
            if (entry.verdict != heading.verdict) continue;
            if (is_first) page_.title(heading.words, heading.colour);
            is_first = false;
            put(entry, heading.verdict >= AuditVerdict::unknown);
        }
    }

    void put(const AuditEntry& entry, bool in_full) {
        constexpr std::size_t column = 28;
        page_.row(2, entry.id, column, entry.says);
        if (!in_full) return;
        for (const AuditHosts& group : entry.hosts) {
            if (group.verdict >= AuditVerdict::unknown) {
                page_.paragraph(4, short_list(group.hosts, most_hosts_listed) + ": ", story(entry, group));
            }
        }
        if (audit_.hosts == 0) decided(entry);
        for (const AuditAdvice& advice : entry.advice) {
            const bool about_some = !advice.hosts.empty() && advice.hosts.size() < audit_.hosts;
            const std::string on = about_some ? short_list(advice.hosts, names_in_sentence) + ": " : "";
            page_.paragraph(4, "-> ", on + advice.text);
        }
    }

    // Which hosts' values decided, as far as the policy remembers.
    void decided(const AuditEntry& entry) {
        for (const Decision& decision : entry.decided) {
            if (decision.because.count == 0) continue;
            page_.paragraph(4, decision.field + " " + decision.value + ": ",
                            "because of " + hosts_text(decision.because, size_of(policy_)));
        }
    }

    static std::string story(const AuditEntry& entry, const AuditHosts& group) {
        std::string text;
        switch (group.affected) {
            case Answer::yes: text = "affected"; break;
            case Answer::no: text = "not affected"; break;
            case Answer::unknown: text = "perhaps affected"; break;
        }
        if (group.effective == Answer::no) text += ", and what the guest does has no effect there";
        if (group.effective == Answer::unknown) text += ", and it is not known whether what the guest does helps";
        if (entry.belief == Belief::not_affected && group.affected == Answer::yes)
            text += ", and the guest does nothing";
        std::vector<std::string> fields;
        for (const AuditGround& ground : group.grounds) {
            if (ground.is_field) fields.push_back(ground.name + " " + value(ground.value));
        }
        if (!fields.empty()) text += " (" + joined(fields) + ")";
        return text;
    }

    static std::string value(Answer answer) {
        switch (answer) {
            case Answer::no: return "0";
            case Answer::yes: return "1";
            case Answer::unknown: break;
        }
        return "not known";
    }

    const PoolPolicy& policy_;
    const Audit& audit_;
    Page& page_;
};

}  // namespace

void audit_text(const PoolPolicy& policy, const Audit& audit, Page& page) { AuditText(policy, audit, page).put(); }

}  // namespace poolcpuid::cli
