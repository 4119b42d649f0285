// The rules asked again with one thing changed: another guest, or hosts with more bits.
#pragma once

#include <string>
#include <vector>

#include "audit/case.hpp"

namespace poolcpuid::audit {

// What a host with some more fields is for what a guest there says of a vulnerability.
AuditHosts answer_with(const Case& subject, const AuditedHost& host, const std::vector<FieldIndex>& fields,
                       const Conditions& guest, const rulebook::GuestVulnerability& vulnerability, const Saying& says);

class Trial {
public:
    // subject must outlive this.
    explicit Trial(const Case& subject) : case_(subject) {}

    // The kernel of the case under another policy.
    Conditions guest_like(Subject subject) const;

    // What another guest says of the vulnerability, or this one with fields in its policy.
    Saying saying_with(Subject guest) const;
    Saying saying_with(const std::vector<std::string>& fields) const;

    // Whether what a guest then says of the vulnerability is falsely safe on some host. fields: what all hosts have
    // then. Linear in the hosts.
    bool deceives(Subject guest, const std::vector<FieldIndex>& fields = {}) const;

    // The hosts on which what a guest then says is falsely safe, or says that it is open; sorted. Linear in the hosts.
    std::vector<std::string> open_hosts(const Subject& guest) const;

    // Of what the guest would be deceived on some host, and is not there now, or is and does at least something: what
    // has no effect by one measure may have one by another, as a return thunk on a core with a busy sibling.
    std::vector<const rulebook::GuestVulnerability*> newly_deceived(const Subject& guest) const;

    // Whether the guest mitigates with these, and is not deceived where the hosts have them.
    bool mitigates_with(const std::vector<std::string>& fields) const;

    // Whether with that field what the guest does now has an effect on the host.
    bool would_do(const Conditions& host, const std::string& field) const;

private:
    bool deceives(const Conditions& guest, const rulebook::GuestVulnerability& vulnerability,
                  const std::vector<FieldIndex>& fields) const;
    std::vector<FieldIndex> indices_of(const std::vector<std::string>& fields) const;

    const Case& case_;
};

}  // namespace poolcpuid::audit
