#include "audit/host_lists.hpp"

#include <algorithm>
#include <utility>

namespace poolcpuid::audit {

using rulebook::GuestVulnerability;

std::size_t HostLists::count() const {
    std::size_t count = 0;
    for (const AuditedHost& host : case_.hosts) count += host.names.size();
    return count;
}

const Conditions& HostLists::conditions_of(const std::string& name) const {
    const auto is_named = [&](const AuditedHost& host) {
        return std::binary_search(host.names.begin(), host.names.end(), name);
    };
    return std::find_if(case_.hosts.begin(), case_.hosts.end(), is_named)->conditions;
}

std::vector<std::string> HostLists::that_are(AuditVerdict verdict) const {
    std::vector<std::string> names;
    for (const AuditHosts& group : case_.entry.hosts) {
        if (group.verdict == verdict) names.insert(names.end(), group.hosts.begin(), group.hosts.end());
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool HostLists::all_are_deceived() const { return that_are(AuditVerdict::falsely_safe).size() == count(); }

std::vector<std::string> HostLists::where(const std::vector<std::string>& fields,
                                          const std::function<bool(const Subject&, FieldIndex)>& which) const {
    std::vector<std::string> names;
    for (const AuditedHost& host : case_.hosts) {
        const bool is_one = std::any_of(fields.begin(), fields.end(), [&](const std::string& id) {
            const FieldIndex field = case_.rulebook.find(id);
            return which(host.conditions.subject(), field) && decides(host, field);
        });
        if (is_one) names.insert(names.end(), host.names.begin(), host.names.end());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());  // of several kinds of CPU
    return names;
}

// Whether the policy's bit depends on that host: a guarded one is for hosts that are affected alone.
bool HostLists::decides(const AuditedHost& host, FieldIndex field) const {
    return case_.rulebook[field].rule != Rule::guarded ||
           answer_on(host.conditions, case_.vulnerability, case_.saying).affected != Answer::no;
}

std::vector<std::string> HostLists::without(const std::vector<std::string>& fields) const {
    return where(fields, [](const Subject& host, FieldIndex field) { return host.field(field) == Answer::no; });
}

std::vector<std::string> HostLists::not_offering(const std::vector<std::string>& fields) const {
    return where(fields, [](const Subject& host, FieldIndex field) { return host.is_withheld(field); });
}

std::vector<std::string> HostLists::silent_on(const std::vector<std::string>& fields) const {
    return where(fields, [](const Subject& host, FieldIndex field) { return host.is_unsaid(field); });
}

std::vector<std::string> HostLists::take_beyond_update(std::vector<std::string>& hosts,
                                                       const std::vector<std::string>& fields) const {
    std::vector<std::string> beyond;
    std::vector<std::string> others;
    for (const std::string& name : hosts) {
        (is_beyond_update(conditions_of(name), fields) ? beyond : others).push_back(name);
    }
    hosts = std::move(others);
    return beyond;
}

std::vector<std::string> HostLists::keeping_out(const std::vector<std::string>& fields) const {
    return where(fields, [](const Subject& host, FieldIndex field) {
        return host.field(field) == Answer::no || host.is_withheld(field);
    });
}

bool HostLists::is_beyond_update(const Conditions& host, const std::vector<std::string>& fields) const {
    return std::any_of(fields.begin(), fields.end(), [&](const std::string& id) {
        const FieldIndex field = case_.rulebook.find(id);
        if (!case_.rulebook[field].by_microcode || host.subject().field(field) != Answer::no) return false;
        return host.subject().is_beyond(field) || !is_for(host, case_.rulebook[field]);
    });
}

// Microcode brings a bit to CPUs with what it helps against, which may be another vulnerability than this one.
bool HostLists::is_for(const Conditions& host, const Field& field) const {
    constexpr VendorMask any_vendor = static_cast<VendorMask>(~VendorMask{0});
    bool is_known = false;
    for (const std::string& id : case_.rulebook.ids_mitigated_by(field, any_vendor)) {
        for (const GuestVulnerability& other : case_.data.vulnerabilities) {
            if (other.id != id) continue;
            is_known = true;
            if (answer_on(host, other, {}).affected != Answer::no) return true;
        }
    }
    return !is_known;
}

bool HostLists::are_virtual(const std::vector<std::string>& hosts) const {
    return std::all_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
        return std::any_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& other) {
            return other.conditions.subject().is_virtual &&
                   std::binary_search(other.names.begin(), other.names.end(), host);
        });
    });
}

}  // namespace poolcpuid::audit
