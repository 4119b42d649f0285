#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "base/json_writer.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/inventory.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

// What a host and a group of hosts have alike. Members of which nothing is known are left out.
void put_entry(Json& json, const HostEntry& entry) {
    json["vendor"] = entry.vendor;
    document::put_facts(json, entry.facts);
    json["format"] = entry.format;
    json["views"] = Json::array();
    if (entry.has_hardware_view) json["views"].push_back("hardware");
    if (!entry.facts.vmm.empty()) json["views"].push_back("hypervisor");
    json["msrs"] = entry.has_msrs;
    if (entry.partial) json["partial"] = true;
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

std::vector<std::string> first_of(const std::vector<std::string>& names) {
    return {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), most_names))};
}

Json alike_json(const HostsAlike& group) {
    Json json;
    put_entry(json, group.like);
    json["names"] = first_of(group.names);
    json["count"] = group.names.size();
    return json;
}

Json vendor_json(const VendorCount& vendor) {
    return {{"vendor", vendor.vendor}, {"count", vendor.count}, {"cpus", Json(vendor.cpus)}};
}

Json outlier_json(const OutlierHosts& outlier) {
    const auto revision = [](std::uint32_t number) { return to_hex(number); };
    return {{"vendor", outlier.vendor},
            {"cpu", document::cpu_json(outlier.cpu)},
            {"fields", outlier.fields},
            {"names", first_of(outlier.hosts.names)},
            {"count", outlier.hosts.count},
            {"others", outlier.others},
            {"microcode", document::array_of(outlier.microcode, revision)},
            {"others_microcode", document::array_of(outlier.others_microcode, revision)},
            {"message", outlier.message}};
}

template <typename Object>
void put_head(Object& json, const Rulebook& rulebook) {
    json["schema"] = "poolcpuid/hosts/v1";
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
}

}  // namespace

std::string to_json(const Rulebook& rulebook, const Inventory& inventory) {
    json::Writer json;
    put_head(json, rulebook);
    json["count"] = inventory.hosts.size();
    json.values("vendors", inventory.vendors, vendor_json);
    json.values("groups", inventory.groups, alike_json);
    json.values("outliers", inventory.outliers, outlier_json);
    json.values("hosts", inventory.hosts, host_json);
    return json.text();
}

std::string to_ndjson(const Rulebook& rulebook, const Inventory& inventory) {
    std::string lines;
    for (const HostEntry& host : inventory.hosts) {
        Json json;
        put_head(json, rulebook);
        json["hosts"] = Json::array({host_json(host)});
        lines += json::line_of(json);
    }
    return lines;
}

}  // namespace poolcpuid
