// What several of the JSON documents write alike: places, names of fields, host classes, findings.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/cpu.hpp"
#include "poolcpuid/policy.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::document {

// Adds "msr", or "leaf", "subleaf" and "register", and "bits".
inline void put_place(nlohmann::ordered_json& json, const BitPlace& place) {
    if (place.is_msr) {
        json["msr"] = to_hex(place.leaf);
    } else {
        json["leaf"] = to_hex(place.leaf);
        json["subleaf"] = subleaves(place);
        json["register"] = to_string(place.reg);
    }
    json["bits"] = bits(place);
}

// What others call a field, those that have a name for it. Empty for what is no id of the rulebook.
inline nlohmann::ordered_json names_json(const Rulebook& rules, const std::string& id) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    const FieldIndex index = rules.find(id);
    if (index == no_field) return json;
    for (const auto& [project, name] : rulebook::names_of(rules[index])) json[std::string(project)] = name;
    return json;
}

// Adds "field", its place, and "names".
inline void put_field(nlohmann::ordered_json& json, const Rulebook& rules, const std::string& id,
                      const BitPlace& place) {
    json["field"] = id;
    put_place(json, place);
    json["names"] = names_json(rules, id);
}

// Which CPU it is; no names for one that the model table does not know.
inline nlohmann::ordered_json cpu_json(const Cpu& cpu) {
    nlohmann::ordered_json json;
    if (!cpu.name.empty()) json["name"] = cpu.name;
    if (!cpu.microarchitecture.empty()) json["microarchitecture"] = cpu.microarchitecture;
    json["family"] = to_hex(cpu.family);
    json["model"] = to_hex(cpu.model);
    json["stepping"] = to_hex(cpu.stepping);
    return json;
}

inline nlohmann::ordered_json class_json(const HostClass& host) {
    return {{"sha256", host.sha256},
            {"format", host.format},
            {"views", host.views},
            {"names", host.names},
            {"count", host.count}};
}

inline nlohmann::ordered_json finding_json(const Finding& finding) {
    nlohmann::ordered_json json;
    json["severity"] = to_string(finding.severity);
    json["code"] = finding.code;
    json["message"] = finding.message;
    if (!finding.field.empty()) json["field"] = finding.field;
    json["hosts"] = finding.hosts;
    return json;
}

// A JSON array with to_json_of(entry) for each of entries.
template <typename Entry, typename ToJson>
nlohmann::ordered_json array_of(const std::vector<Entry>& entries, ToJson to_json_of) {
    auto array = nlohmann::ordered_json::array();
    for (const Entry& entry : entries) array.push_back(to_json_of(entry));
    return array;
}

// The policy document as a JSON value, for documents that hold one.

// What to_json writes.
nlohmann::ordered_json policy_json(const PoolPolicy& policy);

}  // namespace poolcpuid::document
