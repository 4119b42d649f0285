#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/audit.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json ground_json(const AuditGround& ground) {
    Json json{{ground.is_field ? "field" : "rule", ground.name}, {"value", to_string(ground.value)}};
    if (ground.is_told) json["told"] = true;
    return json;
}

Json hosts_json(const AuditHosts& hosts) {
    Json json;
    json["verdict"] = to_string(hosts.verdict);
    json["affected"] = to_string(hosts.affected);
    if (hosts.effective) json["effective"] = to_string(*hosts.effective);
    json["because"] = document::array_of(hosts.grounds, ground_json);
    json["names"] = hosts.hosts;
    json["count"] = hosts.hosts.size();
    return json;
}

Json decided_json(const Decision& decision) {
    return {{"field", decision.field},
            {"value", to_hex(decision.value)},
            {"cause", to_string(decision.cause)},
            {"hosts", decision.because.names},
            {"count", decision.because.count}};
}

Json entry_json(const AuditEntry& entry) {
    Json json;
    json["id"] = entry.id;
    json["name"] = entry.name;
    json["says"] = entry.says;
    json["belief"] = to_string(entry.belief);
    if (entry.verdict) json["verdict"] = to_string(*entry.verdict);
    json["because"] = document::array_of(entry.grounds, ground_json);
    json["decided"] = document::array_of(entry.decided, decided_json);
    json["hosts"] = document::array_of(entry.hosts, hosts_json);
    json["advice"] = document::array_of(entry.advice, document::advice_json);
    if (!entry.why.empty()) json["why"] = entry.why;
    json["source"] = entry.source;
    return json;
}

}  // namespace

std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const Audit& audit) {
    Json json;
    json["schema"] = "poolcpuid/audit/v1";
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["guest"] = document::guest_json(audit.kernel);
    json["assumptions"] = document::array_of(audit.assumptions, [](const GuestAssumption& assumption) {
        return Json{{"id", assumption.id}, {"says", assumption.says}, {"holds", assumption.holds}};
    });
    json["identity"] = {{"family", to_hex(audit.identity.family)},
                        {"model", to_hex(audit.identity.model)},
                        {"stepping", to_hex(audit.identity.stepping)}};
    json["hosts"] = audit.hosts;
    json["falsely_safe"] = audit.is_falsely_safe();
    json["vulnerabilities"] = document::array_of(audit.entries, entry_json);
    return json::text_of(json);
}

}  // namespace poolcpuid
