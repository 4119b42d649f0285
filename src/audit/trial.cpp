#include "audit/trial.hpp"

#include <algorithm>
#include <utility>

namespace poolcpuid::audit {

using rulebook::GuestVulnerability;

AuditHosts answer_with(const Case& subject, const AuditedHost& host, const std::vector<FieldIndex>& fields,
                       const Conditions& guest, const GuestVulnerability& vulnerability, const Saying& says) {
    Subject there = with(host.conditions.subject(), fields, Answer::yes);
    there.told = &guest;
    const Conditions conditions(subject.rulebook, subject.data, host.conditions.release(), std::move(there));
    return answer_on(conditions, vulnerability, says);
}

Conditions Trial::guest_like(Subject subject) const {
    return {case_.rulebook, case_.data, case_.guest.release(), std::move(subject)};
}

Saying Trial::saying_with(Subject guest) const { return saying_of(guest_like(std::move(guest)), case_.vulnerability); }

Saying Trial::saying_with(const std::vector<std::string>& fields) const {
    return saying_with(with(case_.guest.subject(), indices_of(fields), Answer::yes));
}

bool Trial::deceives(Subject guest, const std::vector<FieldIndex>& fields) const {
    return deceives(guest_like(std::move(guest)), case_.vulnerability, fields);
}

bool Trial::deceives(const Conditions& guest, const GuestVulnerability& vulnerability,
                     const std::vector<FieldIndex>& fields) const {
    const Saying then = saying_of(guest, vulnerability);
    return std::any_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& host) {
        return answer_with(case_, host, fields, guest, vulnerability, then).verdict == AuditVerdict::falsely_safe;
    });
}

std::vector<std::string> Trial::open_hosts(const Subject& guest) const {
    const Conditions then = guest_like(guest);
    const Saying saying = saying_of(then, case_.vulnerability);
    std::vector<std::string> names;
    for (const AuditedHost& host : case_.hosts) {
        if (answer_with(case_, host, {}, then, case_.vulnerability, saying).verdict < AuditVerdict::vulnerable)
            continue;
        names.insert(names.end(), host.names.begin(), host.names.end());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());  // of several kinds of CPU
    return names;
}

std::vector<const GuestVulnerability*> Trial::newly_deceived(const Subject& guest) const {
    const Conditions then = guest_like(guest);
    std::vector<const GuestVulnerability*> all;
    for (const GuestVulnerability& other : case_.data.vulnerabilities) {
        const Saying says_then = saying_of(then, other);
        const Saying says_now = saying_of(case_.guest, other);
        const bool gives_up = says_now.belief == Belief::mitigated && says_then.belief == Belief::not_affected;
        const auto is_deceived = [&](const AuditedHost& host, const Conditions& by, const Saying& says) {
            return answer_with(case_, host, {}, by, other, says).verdict == AuditVerdict::falsely_safe;
        };
        const bool is_new = std::any_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& host) {
            return is_deceived(host, then, says_then) && (gives_up || !is_deceived(host, case_.guest, says_now));
        });
        if (is_new) all.push_back(&other);
    }
    return all;
}

bool Trial::mitigates_with(const std::vector<std::string>& fields) const {
    const std::vector<FieldIndex> indices = indices_of(fields);
    return saying_with(fields).belief == Belief::mitigated &&
           !deceives(with(case_.guest.subject(), indices, Answer::yes), indices);
}

bool Trial::would_do(const Conditions& host, const std::string& field) const {
    const Conditions then(case_.rulebook, case_.data, host.release(),
                          with(host.subject(), {case_.rulebook.find(field)}, Answer::yes));
    return std::all_of(case_.saying.needs.begin(), case_.saying.needs.end(),
                       [&](const auto* needs) { return then.holds(*needs) == Answer::yes; });
}

std::vector<FieldIndex> Trial::indices_of(const std::vector<std::string>& fields) const {
    std::vector<FieldIndex> indices;
    for (const std::string& field : fields) indices.push_back(case_.rulebook.find(field));
    return indices;
}

}  // namespace poolcpuid::audit
