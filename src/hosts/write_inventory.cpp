#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "merge/pool.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/inventory.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

// What a host and a group of hosts have alike. Members of which nothing is known are left out.
void put_entry(Json& json, const HostEntry& entry) {
    json["vendor"] = entry.vendor;
    if (entry.cpu) json["cpu"] = document::cpu_json(*entry.cpu);
    if (entry.microcode) json["microcode"] = to_hex(*entry.microcode);
    if (!entry.kernel.empty()) json["kernel"] = entry.kernel;
    json["format"] = entry.format;
    json["views"] = Json::array();
    if (entry.has_hardware_view) json["views"].push_back("hardware");
    if (!entry.hypervisor.empty()) json["views"].push_back("hypervisor");
    if (!entry.hypervisor.empty()) json["vmm"] = entry.hypervisor;
    json["msrs"] = entry.has_msrs;
    json["unknown"] = document::array_of(entry.unknown, [](const LeafKey& key) {
        return Json{{"leaf", to_hex(key.leaf)}, {"subleaf", to_hex(key.subleaf)}};
    });
}

Json host_json(const HostEntry& entry) {
    Json json{{"name", entry.name}, {"sha256", entry.sha256}};
    put_entry(json, entry);
    json["lacks"] = entry.lacks;
    json["notes"] = document::array_of(entry.notes, [](const DumpNote& note) {
        return Json{{"code", std::string_view(note.code)}, {"message", note.message}};
    });
    return json;
}

Json alike_json(const HostsAlike& group) {
    Json json;
    put_entry(json, group.like);
    json["names"] = merge::first_names(group.names, most_names);
    json["count"] = group.names.size();
    return json;
}

Json vendor_json(const VendorCount& vendor) {
    Json json{{"vendor", vendor.vendor}, {"count", vendor.count}, {"cpus", Json::array()}};
    for (const auto& [name, count] : vendor.cpus) json["cpus"].push_back({{"name", name}, {"count", count}});
    return json;
}

Json outlier_json(const OutlierHosts& outlier) {
    const auto revision = [](std::uint32_t number) { return to_hex(number); };
    return {{"vendor", outlier.vendor},
            {"cpu", document::cpu_json(outlier.cpu)},
            {"fields", outlier.fields},
            {"names", merge::first_names(outlier.hosts, most_names)},
            {"count", outlier.hosts.size()},
            {"others", outlier.others},
            {"microcode", document::array_of(outlier.microcode, revision)},
            {"others_microcode", document::array_of(outlier.others_microcode, revision)},
            {"message", outlier.message}};
}

Json head(const Rulebook& rulebook) {
    return {{"schema", "poolcpuid/hosts/v1"},
            {"rulebook", {{"version", rulebook.version}, {"sha256", rulebook.sha256}}}};
}

}  // namespace

std::string to_json(const Rulebook& rulebook, const Inventory& inventory) {
    Json json = head(rulebook);
    json["count"] = inventory.hosts.size();
    json["vendors"] = document::array_of(inventory.vendors, vendor_json);
    json["groups"] = document::array_of(inventory.groups, alike_json);
    json["outliers"] = document::array_of(inventory.outliers, outlier_json);
    json["hosts"] = document::array_of(inventory.hosts, host_json);
    return json::text_of(json);
}

std::string to_ndjson(const Rulebook& rulebook, const Inventory& inventory) {
    std::string lines;
    for (const HostEntry& host : inventory.hosts) {
        Json json = head(rulebook);
        json["hosts"] = Json::array({host_json(host)});
        lines += json::line_of(json);
    }
    return lines;
}

}  // namespace poolcpuid
