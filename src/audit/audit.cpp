#include "poolcpuid/audit.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "audit/advice.hpp"
#include "audit/conditions.hpp"
#include "audit/merge_again.hpp"
#include "audit/subjects.hpp"
#include "base/lists.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "rulebook/guest_data.hpp"

namespace poolcpuid {

using audit::AuditedHost;
using audit::Conditions;
using audit::Grounds;
using audit::Saying;
using rulebook::GuestData;
using rulebook::GuestVulnerability;

namespace {

// The guests whose rules a rulebook has, of which there is one at least.
std::vector<GuestData> guests_of(const Rulebook& rulebook) {
    std::vector<GuestData> all = rulebook::guest_data(rulebook);
    if (all.empty()) throw InputError("guests", 0, "a file of the rulebook", "none");
    return all;
}

class Auditor {
public:
    Auditor(const Rulebook& rulebook, const PoolPolicy& policy, const GuestData& data, const GuestKernel& kernel,
            const promises::VendorRules& rules, const std::vector<std::string>& assume)
        : rulebook_(rulebook),
          policy_(policy),
          data_(data),
          kernel_(kernel),
          rules_(rules),
          assume_(assume),
          guest_(rulebook, data, kernel.release, audit::guest_of(rules, policy, assume)) {}

    Audit run(const std::vector<HostDump>& hosts) {
        std::map<std::string_view, const HostDump*> by_name;
        for (const HostDump& host : hosts) by_name.emplace(host.name, &host);
        for (const auto& [name, host] : by_name) add(*host);
        merge_again(hosts);
        Audit result;
        result.kernel = kernel_;
        result.assumptions = data_.assumptions;
        for (GuestAssumption& assumption : result.assumptions) {
            assumption.holds = std::find(assume_.begin(), assume_.end(), assumption.id) != assume_.end();
        }
        result.identity = PolicyRegisters(policy_).signature();
        result.hosts = by_name.size();
        for (const HostDump& host : hosts) add_cpu(rulebook_, host, result.cpus);
        for (const GuestVulnerability& vulnerability : data_.vulnerabilities) {
            result.entries.push_back(entry_of(vulnerability));
        }
        return result;
    }

private:
    void add(const HostDump& host) {
        const std::string vendor = vendor_string(host.first_table()).value_or("");
        if (vendor != policy_.vendor) {
            throw InputError(host.name, 0, "a host of " + policy_.vendor + ", as the policy is",
                             vendor.empty() ? "one without a vendor" : "one of " + vendor);
        }
        auto& kinds = by_content_[sha256_of(host)];
        if (!kinds.empty()) {
            for (const std::size_t kind : kinds) hosts_[kind].names.push_back(host.name);
            return;
        }
        std::vector<audit::Subject> subjects = audit::host_of(rules_, host, assume_);
        has_mixed_host_ = has_mixed_host_ || subjects.size() > 1;
        for (audit::Subject& subject : subjects) {
            subject.told = &guest_;
            const bool lends_identity = &subject == &subjects.front();
            kinds.push_back(hosts_.size());
            hosts_.push_back({{host.name},
                              Conditions(rulebook_, data_, data_.kernels.back().release, std::move(subject)),
                              lends_identity});
        }
    }

    void merge_again(const std::vector<HostDump>& hosts) {
        policy_again_ = audit::merged_again(rulebook_, policy_, hosts);
        if (!policy_again_) return;
        guest_again_.emplace(rulebook_, data_, kernel_.release, audit::guest_of(rules_, *policy_again_, assume_));
    }

    AuditEntry entry_of(const GuestVulnerability& vulnerability) const {
        AuditEntry entry;
        entry.id = vulnerability.id;
        entry.name = name_of(vulnerability);
        const Saying saying = saying_of(guest_, vulnerability);
        entry.says = saying.text;
        entry.belief = saying.belief;
        entry.grounds = saying.grounds;
        entry.decided = decisions_on(saying.grounds);
        entry.why = vulnerability.why;
        entry.source = vulnerability.source;
        ask_hosts(vulnerability, saying, entry);
        entry.advice = audit::advice_for(
            {rulebook_, data_, vulnerability, guest_, hosts_, saying, entry, guest_again_ ? &*guest_again_ : nullptr});
        return entry;
    }

    std::string name_of(const GuestVulnerability& vulnerability) const {
        for (const Vulnerability& known : rulebook_.vulnerabilities) {
            if (known.id == vulnerability.id) return std::string(known.name);
        }
        return vulnerability.name;
    }

    std::vector<Decision> decisions_on(const Grounds& grounds) const {
        std::vector<Decision> decisions;
        for (const Decision& decision : policy_.decisions) {
            const auto is_about = [&](const AuditGround& ground) {
                return ground.is_field && ground.name == decision.field;
            };
            if (std::any_of(grounds.begin(), grounds.end(), is_about)) decisions.push_back(decision);
        }
        return decisions;
    }

    void ask_hosts(const GuestVulnerability& vulnerability, const Saying& saying, AuditEntry& entry) const {
        for (const AuditedHost& host : hosts_) {
            AuditHosts answer = audit::answer_on(host.conditions, vulnerability, saying);
            const auto same = std::find_if(entry.hosts.begin(), entry.hosts.end(), [&](const AuditHosts& other) {
                return std::tie(other.verdict, other.affected, other.effective, other.grounds) ==
                       std::tie(answer.verdict, answer.affected, answer.effective, answer.grounds);
            });
            AuditHosts& group = same == entry.hosts.end() ? entry.hosts.emplace_back(std::move(answer)) : *same;
            group.hosts.insert(group.hosts.end(), host.names.begin(), host.names.end());
        }
        for (AuditHosts& group : entry.hosts) std::sort(group.hosts.begin(), group.hosts.end());
        std::stable_sort(entry.hosts.begin(), entry.hosts.end(),
                         [](const AuditHosts& a, const AuditHosts& b) { return a.verdict > b.verdict; });
        if (has_mixed_host_) keep_worst(entry.hosts);
        if (!entry.hosts.empty()) entry.verdict = entry.hosts.front().verdict;
    }

    // A vCPU may run on any CPU of a host: the worst answer of its kinds is the host's. groups: the worst first.
    static void keep_worst(std::vector<AuditHosts>& groups) {
        std::set<std::string> answered;
        for (AuditHosts& group : groups) {
            group.hosts.erase(std::unique(group.hosts.begin(), group.hosts.end()), group.hosts.end());
            std::erase_if(group.hosts, [&](const std::string& host) { return !answered.insert(host).second; });
        }
        std::erase_if(groups, [](const AuditHosts& group) { return group.hosts.empty(); });
    }

    const Rulebook& rulebook_;
    const PoolPolicy& policy_;
    const GuestData& data_;
    const GuestKernel& kernel_;
    const promises::VendorRules& rules_;
    const std::vector<std::string>& assume_;
    Conditions guest_;
    std::optional<PoolPolicy> policy_again_;  // of the hosts as they are now, where it is another
    std::optional<Conditions> guest_again_;   // its guest
    std::vector<AuditedHost> hosts_;
    std::map<std::string, std::vector<std::size_t>> by_content_;  // digests, and where in hosts_ their kinds stand
    bool has_mixed_host_ = false;
};

// The guest and its kernel that an id names.
std::pair<const GuestData*, const GuestKernel*> chosen(const std::vector<GuestData>& guests, const std::string& id) {
    if (id.empty()) return {&guests.front(), &guests.front().kernels.back()};
    std::vector<std::string> known;
    for (const GuestData& guest : guests) {
        for (const GuestKernel& kernel : guest.kernels) {
            if (kernel.id == id) return {&guest, &kernel};
            known.push_back(kernel.id);
        }
    }
    throw UsageError("the rulebook does not know the guest \"" + id + "\"; it knows " + joined(known));
}

void check_assumptions(const GuestData& guest, const std::vector<std::string>& assume) {
    for (const std::string& id : assume) {
        std::vector<std::string> known;
        for (const GuestAssumption& assumption : guest.assumptions) known.push_back(assumption.id);
        if (std::find(known.begin(), known.end(), id) == known.end()) {
            throw UsageError("the rulebook does not know the assumption \"" + id + "\"; it knows " + joined(known));
        }
    }
}

}  // namespace

std::string_view to_string(Answer answer) noexcept {
    switch (answer) {
        case Answer::no: return "no";
        case Answer::yes: return "yes";
        case Answer::unknown: break;
    }
    return "unknown";
}

std::string_view to_string(AuditVerdict verdict) noexcept {
    switch (verdict) {
        case AuditVerdict::needless: return "needless";
        case AuditVerdict::holds: return "true";
        case AuditVerdict::unknown: return "unknown";
        case AuditVerdict::vulnerable: return "vulnerable";
        case AuditVerdict::falsely_safe: break;
    }
    return "falsely-safe";
}

std::string_view to_string(AuditAdvice::By by) noexcept {
    switch (by) {
        case AuditAdvice::By::microcode: return "microcode";
        case AuditAdvice::By::host: return "host";
        case AuditAdvice::By::identity: return "identity";
        case AuditAdvice::By::option: return "option";
        case AuditAdvice::By::kernel: return "kernel";
        case AuditAdvice::By::dump: break;
    }
    return "dump";
}

bool Audit::is_falsely_safe() const noexcept {
    return std::any_of(entries.begin(), entries.end(),
                       [](const AuditEntry& entry) { return entry.verdict == AuditVerdict::falsely_safe; });
}

std::vector<GuestKernel> guest_kernels(const Rulebook& rulebook) {
    std::vector<GuestKernel> kernels;
    for (GuestData& guest : rulebook::guest_data(rulebook)) {
        kernels.insert(kernels.end(), guest.kernels.begin(), guest.kernels.end());
    }
    return kernels;
}

std::vector<GuestAssumption> guest_assumptions(const Rulebook& rulebook) {
    std::vector<GuestAssumption> assumptions;
    for (GuestData& guest : rulebook::guest_data(rulebook)) {
        assumptions.insert(assumptions.end(), guest.assumptions.begin(), guest.assumptions.end());
    }
    return assumptions;
}

Audit audit_policy(const Rulebook& rulebook, const PoolPolicy& policy, const std::vector<HostDump>& hosts,
                   const AuditOptions& options) {
    const promises::VendorRules rules = promises::VendorRules::of(rulebook, policy);
    const std::vector<GuestData> guests = guests_of(rulebook);
    const auto [guest, kernel] = chosen(guests, options.guest);
    check_assumptions(*guest, options.assume);
    return Auditor(rulebook, policy, *guest, *kernel, rules, options.assume).run(hosts);
}

}  // namespace poolcpuid
