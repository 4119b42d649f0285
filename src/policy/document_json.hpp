// What several of the JSON documents write alike: places, names of fields, host classes, findings. Where it says
// Object, it is an ordered_json or a json::Writer.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_writer.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/audit.hpp"
#include "poolcpuid/cpu.hpp"
#include "poolcpuid/policy.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid::document {

// Adds "msr", or "leaf", "subleaf" and "register", and "bits".
template <typename Object>
void put_place(Object& json, const BitPlace& place) {
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
template <typename Object>
void put_field(Object& json, const Rulebook& rules, const std::string& id, const BitPlace& place) {
    json["field"] = id;
    put_place(json, place);
    json["names"] = names_json(rules, id);
}

// A kernel of a guest.
inline nlohmann::ordered_json guest_json(const GuestKernel& kernel) {
    return {{"id", kernel.id}, {"name", kernel.name}, {"source", kernel.source}};
}

// What would make a guest's belief true, or better.
inline nlohmann::ordered_json advice_json(const AuditAdvice& advice) {
    return {{"by", to_string(advice.by)}, {"text", advice.text}, {"fields", advice.fields}, {"hosts", advice.hosts}};
}

// Adds "hosts", "count" and, where not all names are listed and it is known, "cpus": how many have each CPU. Of a list
// that is whole the host classes say it.
template <typename Object>
void put_hosts(Object& json, const std::vector<std::string>& names, std::size_t count, const CpuCounts& cpus) {
    json["hosts"] = names;
    json["count"] = count;
    if (count > names.size() && !cpus.empty()) json["cpus"] = cpus;
}

template <typename Object>
void put_hosts(Object& json, const HostList& hosts) {
    put_hosts(json, hosts.names, hosts.count, hosts.cpus);
}

inline nlohmann::ordered_json hosts_json(const HostList& hosts) {
    nlohmann::ordered_json json;
    put_hosts(json, hosts);
    return json;
}

inline nlohmann::ordered_json cpu_json(const Cpu& cpu) {
    nlohmann::ordered_json json;
    if (!cpu.name.empty()) {
        json["name"] = cpu.name;
        json["microarchitecture"] = cpu.microarchitecture;
    }
    json["family"] = cpu.family;
    json["model"] = cpu.model;
    json["stepping"] = cpu.stepping;
    return json;
}

// Adds "cpu", "microcode", "kernel" and "vmm", those that are known, and "virtual" of a virtual machine.
template <typename Object>
void put_facts(Object& json, const HostFacts& facts) {
    if (facts.cpu) json["cpu"] = cpu_json(*facts.cpu);
    if (facts.microcode) json["microcode"] = to_hex(*facts.microcode);
    if (!facts.kernel.empty()) json["kernel"] = facts.kernel;
    if (!facts.vmm.empty()) json["vmm"] = facts.vmm;
    if (facts.is_virtual) json["virtual"] = true;
}

inline nlohmann::ordered_json class_json(const HostClass& host) {
    nlohmann::ordered_json json{{"sha256", host.sha256}, {"format", host.format}, {"views", host.views}};
    put_facts(json, host.facts);
    json["names"] = host.names;
    json["count"] = host.count;
    return json;
}

inline nlohmann::ordered_json finding_json(const Finding& finding) {
    nlohmann::ordered_json json;
    json["severity"] = to_string(finding.severity);
    json["code"] = finding.code;
    json["message"] = finding.message;
    if (!finding.field.empty()) json["field"] = finding.field;
    put_hosts(json, finding.hosts);
    return json;
}

// A JSON array with to_json_of(entry) for each of entries.
template <typename Entry, typename ToJson>
nlohmann::ordered_json array_of(const std::vector<Entry>& entries, ToJson to_json_of) {
    auto array = nlohmann::ordered_json::array();
    for (const Entry& entry : entries) array.push_back(to_json_of(entry));
    return array;
}

// Adds the members of the policy document, for documents that hold one.
void put_policy(json::Writer& json, const PoolPolicy& policy);

}  // namespace poolcpuid::document
