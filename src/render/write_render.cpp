#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "policy/document_json.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/render.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json inexpressible_json(const Rulebook& rulebook, const Inexpressible& entry) {
    Json json;
    document::put_field(json, rulebook, entry.field, entry.place);
    json["value"] = to_hex(entry.value);
    json["instead"] = document::value_word(entry.instead);
    json["telling"] = to_string(entry.telling);
    json["impact"] = to_string(entry.impact);
    json["reason"] = entry.reason;
    json["consequence"] = entry.consequence;
    return json;
}

Json hidden_json(const StartUp& entry) {
    Json json;
    json["field"] = entry.field;
    document::put_place(json, entry.place);
    json["value"] = entry.value;
    return json;
}

Json output_json(const std::string& output, bool is_json) {
    if (is_json) return Json::parse(output);
    const std::size_t end = output.find_last_not_of('\n');
    return end == std::string::npos ? output : output.substr(0, end + 1);
}

Json advice_json(const HostAdvice& entry, bool is_json) {
    Json json;
    json["hosts"] = entry.hosts;
    json["kinds"] = entry.kinds;
    json["breaks"] = entry.breaks;
    json["hidden"] = document::array_of(entry.hidden, hidden_json);
    json["advice"] = entry.advice;
    if (entry.output) json["output"] = output_json(*entry.output, is_json);
    return json;
}

}  // namespace

std::string to_json(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering) {
    Json json;
    json["schema"] = "poolcpuid/render/v1";
    json["target"] = rendering.target;
    json["version"] = rendering.version;
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["output"] = output_json(rendering.output, rendering.is_json);
    json["inexpressible"] = document::array_of(
        rendering.inexpressible, [&](const Inexpressible& entry) { return inexpressible_json(rulebook, entry); });
    json["notes"] = rendering.notes;
    if (!rendering.hosts.empty()) {
        json["hosts"] = document::array_of(
            rendering.hosts, [&](const HostAdvice& entry) { return advice_json(entry, rendering.is_json); });
    }
    return json::text_of(json);
}

}  // namespace poolcpuid
