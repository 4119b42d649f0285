#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "base/sha256.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json row_json(const CpuidRow& row) {
    Json json;
    json["leaf"] = to_hex(row.key.leaf);
    json["subleaf"] = to_hex(row.key.subleaf);
    for (const Register reg : all_registers) {
        json[to_string(reg)] = to_hex(row.value[reg], 8);
    }
    return json;
}

Json value_json(const ValueOfHosts& value) {
    Json json;
    json["value"] = document::value_word(value.value);
    if (value.at) {
        json["offset"] = to_hex(value.at->offset);
        json["aligned"] = value.at->aligned;
    }
    document::put_hosts(json, value.list());
    return json;
}

Json remark_json(const Remark& remark) {
    Json json;
    json["kind"] = to_string(remark.kind);
    if (!remark.kernel.empty()) json["kernel"] = remark.kernel;
    document::put_hosts(json, remark.hosts);
    return json;
}

Json decision_json(const Decision& decision, bool with_cause) {
    Json json;
    json["field"] = decision.field;
    document::put_place(json, decision.place);
    if (!decision.state.empty()) json["state"] = decision.state;
    json["rule"] = decision.rule;
    json["value"] = to_hex(decision.value);
    json["values"] = document::array_of(decision.values, value_json);
    if (with_cause) {
        json["cause"] = to_string(decision.cause);
        if (!decision.on.empty()) json["on"] = decision.on;
    }
    json["because"] = decision.because.names;
    if (with_cause) json["because_count"] = decision.because.count;
    if (decision.because.count > decision.because.names.size() && !decision.because.cpus.empty())
        json["because_cpus"] = decision.because.cpus;
    if (decision.scrubs) json["scrubs"] = *decision.scrubs;
    if (!decision.remarks.empty()) json["remarks"] = document::array_of(decision.remarks, remark_json);
    if (!decision.mitigates.empty()) json["mitigates"] = decision.mitigates;
    json["reason"] = decision.reason;
    return json;
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

nlohmann::ordered_json document::policy_json(const PoolPolicy& policy) {
    Json json;
    json["schema"] = "poolcpuid/policy/v1";
    if (policy.minor > 0) json["minor"] = policy.minor;
    if (policy.lean) json["lean"] = true;
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    if (!policy.level.empty()) json["level"] = policy.level;
    if (!policy.options.empty()) json["options"] = options_json(policy.options);
    json["rulebook"] = {{"version", policy.rulebook_version}, {"sha256", policy.rulebook_sha256}};
    json["hosts"] = document::array_of(policy.hosts, document::class_json);
    json["names_sha256"] = policy.names_sha256;
    json["cpuid"] = document::array_of(policy.cpuid, row_json);
    json["msrs"] = document::array_of(policy.msrs, [](const MsrRow& row) {
        return Json{{"index", to_hex(row.index)}, {"value", to_hex(row.value.value_or(0), 16)}};
    });
    if (policy.minor > 1) json["features"] = policy.features;
    json["owned"] = document::array_of(policy.owned, [](const BitPlace& place) {
        Json entry;
        document::put_place(entry, place);
        return entry;
    });
    json["decisions"] = document::array_of(
        policy.decisions, [&](const Decision& decision) { return decision_json(decision, policy.minor > 0); });
    json["findings"] = document::array_of(policy.findings, [&](const Finding& finding) {
        Json entry = document::finding_json(finding);
        if (policy.minor < 2) entry.erase("count");
        return entry;
    });
    return json;
}

PoolPolicy as_lean(PoolPolicy policy) {
    policy.lean = true;
    // Whether VERW scrubs is a promise that registers do not show.
    std::erase_if(policy.decisions, [](const Decision& decision) { return !decision.scrubs.has_value(); });
    return policy;
}

PoolPolicy as_minor(PoolPolicy policy, unsigned minor) {
    if (minor > 1) return policy;
    policy.minor = std::min(policy.minor, minor);
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

std::string to_json(const PoolPolicy& policy) { return json::text_of(document::policy_json(policy)); }

std::string sha256_of(const PoolPolicy& policy) {
    return policy.older_sha256.empty() ? sha256_hex(to_json(policy)) : policy.older_sha256;
}

}  // namespace poolcpuid
