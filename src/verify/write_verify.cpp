#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json refused_json(const Refused& refused) {
    Json json;
    if (refused.key && refused.is_msr) {
        json["msr"] = to_hex(refused.key->leaf);
    } else if (refused.key) {
        json["leaf"] = to_hex(refused.key->leaf);
        json["subleaf"] = to_hex(refused.key->subleaf);
    }
    json["reason"] = refused.reason;
    return json;
}

Json field_json(const Rulebook& rulebook, const SeenField& field) {
    Json json;
    document::put_field(json, rulebook, field.field, field.place);
    if (!field.rule.empty()) json["rule"] = field.rule;
    json["policy"] = field.policy;
    json["seen"] = field.seen;
    const bool is_comparable = field.shows == Telling::more || field.shows == Telling::less;
    json["shows"] = is_comparable ? to_string(field.shows) : "other";
    json["impact"] = to_string(field.impact);
    json["meaning"] = field.meaning;
    return json;
}

}  // namespace

std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                    const KvmHost& host) {
    const auto fields = [&](const std::vector<SeenField>& list) {
        return document::array_of(list, [&](const SeenField& field) { return field_json(rulebook, field); });
    };
    Json json;
    json["schema"] = "poolcpuid/verify/v1";
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["kvm"] = Json::object();
    if (!host.module.empty()) json["kvm"]["module"] = host.module;
    if (!host.kernel.empty()) json["kvm"]["kernel"] = host.kernel;
    json["shows_policy"] = verification.shows_policy();
    json["compared"] = {
        {"rows", verification.rows}, {"other_rows", verification.other_rows}, {"msrs", verification.msrs}};
    json["refused"] = document::array_of(verification.refused, refused_json);
    json["differences"] = fields(verification.differences);
    json["uncontrolled"] = fields(verification.uncontrolled);
    return json::text_of(json);
}

}  // namespace poolcpuid
