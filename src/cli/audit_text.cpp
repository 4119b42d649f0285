// audit: the verdicts from the worst down, each vulnerability with what the guest says, then what would help.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "audit/words.hpp"
#include "base/hex.hpp"
#include "cli/texts.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::array from_the_worst{AuditVerdict::falsely_safe, AuditVerdict::vulnerable, AuditVerdict::unknown,
                                    AuditVerdict::holds, AuditVerdict::needless};

Colour colour_of(AuditVerdict verdict) {
    switch (verdict) {
        case AuditVerdict::falsely_safe: return Colour::red;
        case AuditVerdict::vulnerable:
        case AuditVerdict::unknown: return Colour::yellow;
        case AuditVerdict::holds: return Colour::green;
        case AuditVerdict::needless: break;
    }
    return Colour::none;
}

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
        for (const AuditVerdict verdict : from_the_worst) put(verdict);
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

    void put(AuditVerdict verdict) {
        bool is_first = true;
        for (const AuditEntry& entry : audit_.entries) {
            if (entry.verdict != verdict) continue;
            if (is_first) page_.title(std::string(audit::meaning_of(verdict)), colour_of(verdict));
            is_first = false;
            put(entry, verdict >= AuditVerdict::unknown);
        }
    }

    void put(const AuditEntry& entry, bool in_full) {
        constexpr std::size_t column = 28;
        page_.row(2, entry.id, column, entry.says);
        if (!in_full) return;
        for (const AuditHosts& group : entry.hosts) {
            if (group.verdict >= AuditVerdict::unknown) {
                page_.paragraph(4, hosts_text(list_of(group.hosts, audit_.cpus), {}) + ": ",
                                audit::story_of(entry, group));
            }
        }
        if (audit_.hosts == 0) decided(entry);
        for (const AuditAdvice& advice : entry.advice) {
            const bool about_some = !advice.hosts.empty() && advice.hosts.size() < audit_.hosts;
            const std::string on = about_some ? document::enumerate(list_of(advice.hosts, audit_.cpus)) + ": " : "";
            page_.paragraph(4, "-> ", on + advice.text);
        }
    }

    // Which hosts' values decided, as far as the policy remembers.
    void decided(const AuditEntry& entry) {
        for (const Decision& decision : entry.decided) {
            if (decision.because.count == 0) continue;
            page_.paragraph(4, decision.field + " " + to_hex(decision.value) + ": ",
                            "because of " + hosts_text(decision.because, size_of(policy_)));
        }
    }

    const PoolPolicy& policy_;
    const Audit& audit_;
    Page& page_;
};

}  // namespace

void audit_text(const PoolPolicy& policy, const Audit& audit, Page& page) { AuditText(policy, audit, page).put(); }

}  // namespace poolcpuid::cli
