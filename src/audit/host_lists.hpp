// Which of the audited hosts something is true of, by name.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "audit/case.hpp"

namespace poolcpuid::audit {

// Every list is sorted. Each call is linear in the hosts.
class HostLists {
public:
    // subject must outlive this.
    explicit HostLists(const Case& subject) : case_(subject) {}

    std::size_t count() const;
    const Conditions& conditions_of(const std::string& name) const;  // of a host that was asked

    std::vector<std::string> that_are(AuditVerdict verdict) const;
    bool all_are_deceived() const;

    // Those that keep some of these fields from the policy: they lack it, their hypervisors do not offer what the CPU
    // has, or their dumps do not say.
    std::vector<std::string> without(const std::vector<std::string>& fields) const;
    std::vector<std::string> not_offering(const std::vector<std::string>& fields) const;
    std::vector<std::string> silent_on(const std::vector<std::string>& fields) const;
    std::vector<std::string> keeping_out(
        const std::vector<std::string>& fields) const;  // for certain: either of the first two

    // Whether no update brings a host what it lacks of these: a CPU of before the leaf, or that it is not for.
    bool is_beyond_update(const Conditions& host, const std::vector<std::string>& fields) const;

    // Takes such hosts out of hosts, and returns them.
    std::vector<std::string> take_beyond_update(std::vector<std::string>& hosts,
                                                const std::vector<std::string>& fields) const;

    bool are_virtual(const std::vector<std::string>& hosts) const;

private:
    std::vector<std::string> where(const std::vector<std::string>& fields,
                                   const std::function<bool(const Subject&, FieldIndex)>& which) const;
    bool decides(const AuditedHost& host, FieldIndex field) const;
    bool is_for(const Conditions& host, const Field& field) const;

    const Case& case_;
};

}  // namespace poolcpuid::audit
