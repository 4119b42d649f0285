#include "audit/words.hpp"

#include <algorithm>
#include <vector>

#include "base/lists.hpp"

namespace poolcpuid::audit {

namespace {

std::string_view value_of(Answer answer) noexcept {
    switch (answer) {
        case Answer::no: return "0";
        case Answer::yes: return "1";
        case Answer::unknown: break;
    }
    return "not known";
}

// What the guest is told and the host has as well need not be said twice.
bool is_of_host_too(const AuditGround& told, const std::vector<AuditGround>& grounds) {
    return told.is_told && std::any_of(grounds.begin(), grounds.end(), [&](const AuditGround& ground) {
               return !ground.is_told && ground.name == told.name && ground.value == told.value;
           });
}

}  // namespace

std::string_view meaning_of(AuditVerdict verdict) noexcept {
    switch (verdict) {
        case AuditVerdict::falsely_safe: return "Falsely safe: a host is affected, and the guest there does not know";
        case AuditVerdict::vulnerable: return "Open, and the guest says so";
        case AuditVerdict::unknown: return "Not known: a dump does not say whether it is true";
        case AuditVerdict::holds: return "True on every host";
        case AuditVerdict::needless: break;
    }
    return "Needless: no host is affected";
}

std::string story_of(const AuditEntry& entry, const AuditHosts& hosts) {
    std::string text;
    switch (hosts.affected) {
        case Answer::yes: text = "affected"; break;
        case Answer::no: text = "not affected"; break;
        case Answer::unknown: text = "perhaps affected"; break;
    }
    if (hosts.effective == Answer::no) text += ", and what the guest does has no effect there";
    if (hosts.effective == Answer::unknown) text += ", and it is not known whether what the guest does helps";
    if (entry.belief == Belief::not_affected && hosts.affected == Answer::yes) text += ", and the guest does nothing";
    std::vector<std::string> fields;
    for (const AuditGround& ground : hosts.grounds) {
        if (!ground.is_field || is_of_host_too(ground, hosts.grounds)) continue;
        fields.push_back((ground.is_told ? "the guest's " : "") + ground.name + " " +
                         std::string(value_of(ground.value)));
    }
    return fields.empty() ? text : text + " (" + joined(fields) + ")";
}

}  // namespace poolcpuid::audit
