#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/sha256.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

void put_row(json::Writer& json, const CpuidRow& row) {
    json["leaf"] = to_hex(row.key.leaf);
    json["subleaf"] = to_hex(row.key.subleaf);
    for (const Register reg : all_registers) {
        json[to_string(reg)] = to_hex(row.value[reg], 8);
    }
}

void put_msr(json::Writer& json, const MsrRow& row) {
    json["index"] = to_hex(row.index);
    json["value"] = to_hex(row.value.value_or(0), 16);
}

void put_value(json::Writer& json, const ValueOfHosts& value) {
    json["value"] = document::value_word(value.value);
    if (value.at) {
        json["offset"] = to_hex(value.at->offset);
        json["aligned"] = value.at->aligned;
    }
    document::put_hosts(json, value.hosts, value.count, value.cpus);
}

void put_remark(json::Writer& json, const Remark& remark) {
    json["kind"] = to_string(remark.kind);
    if (!remark.kernel.empty()) json["kernel"] = remark.kernel;
    document::put_hosts(json, remark.hosts);
}

// Where all decided by what is known of them nothing is added.
void put_deciders(json::Writer& json, const Decision& decision) {
    const auto put = [&](const char* key, const HostList& hosts) {
        if (hosts.count > 0) json.object(key, [&](json::Writer& entry) { document::put_hosts(entry, hosts); });
    };
    put("because_known", decision.because_known);
    put("because_unknown", decision.because_unknown);
}

void put_decision(json::Writer& json, const Decision& decision, unsigned minor) {
    const bool with_cause = minor > 0;
    json["field"] = decision.field;
    document::put_place(json, decision.place);
    if (!decision.state.empty()) json["state"] = decision.state;
    json["rule"] = decision.rule;
    json["value"] = to_hex(decision.value);
    json.objects("values", decision.values, put_value);
    if (with_cause) {
        json["cause"] = to_string(decision.cause);
        if (!decision.on.empty()) json["on"] = decision.on;
    }
    json["because"] = decision.because.names;
    if (with_cause) json["because_count"] = decision.because.count;
    if (decision.because.count > decision.because.names.size() && !decision.because.cpus.empty())
        json["because_cpus"] = decision.because.cpus;
    if (minor > 2) put_deciders(json, decision);
    if (decision.scrubs) json["scrubs"] = *decision.scrubs;
    if (!decision.remarks.empty()) json.objects("remarks", decision.remarks, put_remark);
    if (!decision.mitigates.empty()) json["mitigates"] = decision.mitigates;
    json["reason"] = decision.reason;
}

Json options_json(const RecordedOptions& options) {
    Json json;
    if (!options.identity.empty()) json["identity"] = options.identity;
    if (!options.ceiling_level.empty()) json["ceiling"] = options.ceiling_level;
    if (options.ceiling_policy) {
        json["ceiling_policy"] = {{"pool", options.ceiling_policy->pool}, {"sha256", options.ceiling_policy->sha256}};
    }
    if (!options.hide.empty()) json["hide"] = options.hide;
    if (!options.show.empty()) json["show"] = options.show;
    for (const auto& [field, value] : options.set) json["set"][field] = value;
    return json;
}

}  // namespace

std::string_view to_string(Severity severity) noexcept {
    switch (severity) {
        case Severity::error: return "error";
        case Severity::warning: return "warning";
        case Severity::note: break;
    }
    return "note";
}

void document::put_policy(json::Writer& json, const PoolPolicy& policy) {
    json["schema"] = "poolcpuid/policy/v1";
    if (policy.minor > 0) json["minor"] = policy.minor;
    if (policy.lean) json["lean"] = true;
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    if (!policy.level.empty()) json["level"] = policy.level;
    if (!policy.options.empty()) json["options"] = options_json(policy.options);
    json["rulebook"] = {{"version", policy.rulebook_version}, {"sha256", policy.rulebook_sha256}};
    json.values("hosts", policy.hosts, document::class_json);
    json["names_sha256"] = policy.names_sha256;
    json.objects("cpuid", policy.cpuid, put_row);
    json.objects("msrs", policy.msrs, put_msr);
    if (policy.minor > 1) json["features"] = policy.features;
    json.objects("owned", policy.owned, document::put_place<json::Writer>);
    json.objects("decisions", policy.decisions,
                 [&](json::Writer& entry, const Decision& decision) { put_decision(entry, decision, policy.minor); });
    json.values("findings", policy.findings, [&](const Finding& finding) {
        Json entry = document::finding_json(finding);
        if (policy.minor < 2) entry.erase("count");
        return entry;
    });
}

PoolPolicy as_lean(PoolPolicy policy) {
    policy.lean = true;
    // Whether VERW scrubs is a promise that registers do not show.
    std::erase_if(policy.decisions, [](const Decision& decision) { return !decision.scrubs.has_value(); });
    return policy;
}

PoolPolicy as_minor(PoolPolicy policy, unsigned minor) {
    policy.minor = std::min(policy.minor, minor);
    if (minor > 2) return policy;
    for (HostClass& host : policy.hosts) host.facts.is_virtual = false;
    for (Decision& decision : policy.decisions) {
        decision.because_known = {};
        decision.because_unknown = {};
    }
    if (minor > 1) return policy;
    policy.level.clear();
    policy.features.clear();
    for (HostClass& host : policy.hosts) host.facts = {};
    for (Decision& decision : policy.decisions) {
        decision.because.cpus.clear();
        for (ValueOfHosts& value : decision.values) value.cpus.clear();
        for (Remark& remark : decision.remarks) remark.hosts.cpus.clear();
    }
    for (Finding& finding : policy.findings) finding.hosts = {finding.hosts.names, finding.hosts.names.size()};
    return policy;
}

std::string to_json(const PoolPolicy& policy) {
    constexpr std::size_t of_decision = 1024;  // more than most take, and too much is nothing that is touched
    constexpr std::size_t of_all_else = 32 * of_decision;
    json::Writer json(of_all_else + policy.decisions.size() * of_decision);
    document::put_policy(json, policy);
    return json.text();
}

std::string sha256_of(const PoolPolicy& policy) {
    return policy.older_sha256.empty() ? sha256_hex(to_json(policy)) : policy.older_sha256;
}

}  // namespace poolcpuid
