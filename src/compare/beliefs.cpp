#include "compare/beliefs.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace poolcpuid::compare {

namespace {

class Beliefs {
public:
    Beliefs(const Rulebook& rulebook, const HostsByName& hosts) : rulebook_(rulebook) {
        kinds_.add(rulebook, hosts);
        for (const HostDump* host : kinds_.examples()) examples_.push_back(*host);
        std::map<std::size_t, std::vector<std::string>> names;
        for (const auto& [name, host] : hosts) {
            names[kinds_.of(*host)].push_back(name);
            add_cpu(rulebook, *host, result_.cpus);
        }
        for (auto& [kind, all] : names) alike_[examples_[kind].name] = std::move(all);
        result_.hosts = hosts.size();
    }

    BeliefChanges run(const PoolPolicy& before, const PoolPolicy& after) {
        const Audit old_audit = audit_policy(rulebook_, before, examples_, {});
        Audit new_audit = audit_policy(rulebook_, after, examples_, {});
        result_.kernel = new_audit.kernel;
        // Both have the entries of the rulebook, in its order.
        for (std::size_t at = 0; at < old_audit.entries.size(); ++at) {
            compare(old_audit.entries[at], std::move(new_audit.entries[at]));
        }
        return std::move(result_);
    }

private:
    void compare(const AuditEntry& was, AuditEntry is) {
        if (was.says != is.says) {
            result_.changes.push_back({is.id, is.name, was.says, is.says, was.belief, is.belief});
        }
        std::vector<std::string> hosts_before = falsely_safe(was);
        std::vector<std::string> hosts_after = falsely_safe(is);
        if (hosts_before.empty() && hosts_after.empty()) return;
        std::vector<AuditAdvice> advice;
        for (AuditAdvice& sentence : is.advice) {
            if (hosts_after.empty()) break;
            sentence.hosts = all_like(sentence.hosts);
            advice.push_back(std::move(sentence));
        }
        result_.falsely_safe.push_back(
            {is.id, is.name, was.says, is.says, std::move(hosts_before), std::move(hosts_after), std::move(advice)});
    }

    std::vector<std::string> falsely_safe(const AuditEntry& entry) const {
        std::vector<std::string> examples;
        for (const AuditHosts& group : entry.hosts) {
            if (group.verdict != AuditVerdict::falsely_safe) continue;
            examples.insert(examples.end(), group.hosts.begin(), group.hosts.end());
        }
        return all_like(examples);
    }

    std::vector<std::string> all_like(const std::vector<std::string>& examples) const {
        std::vector<std::string> names;
        for (const std::string& example : examples) {
            const std::vector<std::string>& alike = alike_.at(example);
            names.insert(names.end(), alike.begin(), alike.end());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    const Rulebook& rulebook_;
    HostKinds kinds_;
    std::vector<HostDump> examples_;                         // one of each kind
    std::map<std::string, std::vector<std::string>> alike_;  // names by that of the example of their kind
    BeliefChanges result_;
};

}  // namespace

BeliefChanges belief_changes(const Rulebook& rulebook, const PoolPolicy& before, const PoolPolicy& after,
                             const HostsByName& hosts) {
    return Beliefs(rulebook, hosts).run(before, after);
}

}  // namespace poolcpuid::compare
