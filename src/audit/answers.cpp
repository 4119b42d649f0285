#include "audit/answers.hpp"

#include <algorithm>

namespace poolcpuid::audit {

using rulebook::GuestPhrase;
using rulebook::GuestVulnerability;

Saying saying_of(const Conditions& guest, const GuestVulnerability& vulnerability) {
    Saying saying;
    if (guest.holds(vulnerability.affected, &saying.grounds) != Answer::yes) {
        saying.text = "Not affected";
        return saying;
    }
    for (const std::vector<GuestPhrase>& part : vulnerability.says) {
        for (const GuestPhrase& phrase : part) {
            if (!phrase.releases.has(guest.release())) continue;
            Grounds grounds;
            const bool holds = !phrase.condition || guest.holds(*phrase.condition, &grounds) == Answer::yes;
            // Of the parts after the first only what they say counts.
            if (phrase.belief) add_grounds(saying.grounds, grounds);
            if (!holds) continue;
            saying.text += phrase.text;
            if (phrase.belief) saying.belief = *phrase.belief;
            if (phrase.needs) saying.needs.push_back(&*phrase.needs);
            break;
        }
    }
    return saying;
}

namespace {

// What a host is for one belief.
AuditVerdict verdict_of(Belief belief, Answer affected, std::optional<Answer> effective) {
    if (affected == Answer::no) {
        const bool does_something = belief == Belief::mitigated || belief == Belief::vulnerable;
        return does_something ? AuditVerdict::needless : AuditVerdict::holds;
    }
    switch (belief) {
        case Belief::not_affected: return affected == Answer::yes ? AuditVerdict::falsely_safe : AuditVerdict::unknown;
        case Belief::mitigated: break;
        default: return affected == Answer::yes ? AuditVerdict::vulnerable : AuditVerdict::unknown;
    }
    if (effective == Answer::yes) return AuditVerdict::holds;
    return effective == Answer::no && affected == Answer::yes ? AuditVerdict::falsely_safe : AuditVerdict::unknown;
}

}  // namespace

bool is_guarded(const Rulebook& rulebook, const GuestVulnerability& vulnerability) {
    const auto is_of_guard = [&](const rulebook::GuestTerm& term) {
        const bool is_field = term.kind == rulebook::GuestTerm::Kind::field;
        return is_field && rulebook[rulebook.find(term.name)].rule == Rule::guarded;
    };
    return std::any_of(vulnerability.says.begin(), vulnerability.says.end(), [&](const auto& part) {
        return std::any_of(part.begin(), part.end(), [&](const GuestPhrase& phrase) {
            return phrase.needs && rulebook::any_term(*phrase.needs, is_of_guard);
        });
    });
}

namespace {

bool is_good(AuditVerdict verdict) { return verdict == AuditVerdict::holds || verdict == AuditVerdict::needless; }

AuditHosts as_told_by(const Conditions& host, const GuestVulnerability& vulnerability, const Saying& saying) {
    AuditHosts answer;
    const auto& on_host = vulnerability.on_host ? *vulnerability.on_host : vulnerability.affected;
    answer.affected = host.holds(on_host, &answer.grounds);
    if (saying.belief == Belief::mitigated) {
        answer.effective = Answer::yes;
        for (const rulebook::GuestCondition* needs : saying.needs) {
            Grounds grounds;
            const Answer holds = host.holds(*needs, &grounds);
            if (holds != Answer::yes && answer.affected != Answer::no) add_grounds(answer.grounds, grounds);
            if (holds == Answer::no || *answer.effective == Answer::yes) answer.effective = holds;
        }
    }
    answer.verdict = verdict_of(saying.belief, answer.affected, answer.effective);
    return answer;
}

}  // namespace

// The family and model of a virtual machine prove nothing good of the silicon below; what is bad of them stays.
AuditHosts answer_on(const Conditions& host, const GuestVulnerability& vulnerability, const Saying& saying) {
    AuditHosts answer = as_told_by(host, vulnerability, saying);
    const bool is_doubtful = host.subject().is_virtual && is_good(answer.verdict);
    if (!is_doubtful || !is_guarded(host.rulebook(), vulnerability)) return answer;
    return as_told_by(host.without_signature(), vulnerability, saying);
}

}  // namespace poolcpuid::audit
