// The canonical poolcpuid/host/v1 document.

#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

Json row_of(const CpuidRow& row) {
    Json json{{"leaf", to_hex(row.key.leaf)}, {"subleaf", to_hex(row.key.subleaf)}};
    for (const Register reg : all_registers) {
        json[to_string(reg)] = to_hex(row.value[reg], 8);
    }
    return json;
}

Json unknown_row_of(const UnknownRow& row) {
    Json json{{"leaf", to_hex(row.leaf)}};
    if (row.subleaf) json["subleaf"] = to_hex(*row.subleaf);
    return json;
}

template <typename Row>
void add_rows(Json& json, const char* key, const std::vector<Row>& rows, Json (*of)(const Row& row)) {
    Json& array = json[key] = Json::array();
    for (const Row& row : rows) array.push_back(of(row));
}

// Adds "cpuid" and, where there is something unknown, "unknown" and "unknown_bits".
void add_table(Json& json, const CpuidTable& table) {
    add_rows(json, "cpuid", table.rows, row_of);
    if (!table.unknown.empty()) add_rows(json, "unknown", table.unknown, unknown_row_of);
    if (!table.unknown_bits.empty()) add_rows(json, "unknown_bits", table.unknown_bits, row_of);
}

void add_msrs(Json& json, const std::optional<std::vector<MsrRow>>& msrs) {
    if (!msrs) return;
    Json& rows = json["msrs"] = Json::array();
    for (const MsrRow& msr : *msrs) {
        Json row{{"index", to_hex(msr.index)}};
        if (msr.value) {
            row["value"] = to_hex(*msr.value, 16);
        } else {
            row["fault"] = true;
        }
        rows.push_back(std::move(row));
    }
}

Json hardware_of(const HardwareView& view) {
    Json json = Json::object();
    Json& cpus = json["cpus"] = Json::array();
    for (const LogicalCpu& cpu : view.cpus) {
        Json entry{{"cpu", cpu.number}};
        add_table(entry, cpu.cpuid);
        cpus.push_back(std::move(entry));
    }
    add_msrs(json, view.msrs);
    return json;
}

Json hypervisor_of(const HypervisorView& view) {
    Json json{{"name", view.name}};
    add_table(json, view.cpuid);
    add_msrs(json, view.msrs);
    return json;
}

Json document_of(const HostDump& host) {
    Json json{{"schema", "poolcpuid/host/v1"}};
    if (!host.name.empty()) json["name"] = host.name;
    Json& views = json["views"] = Json::object();
    if (host.hardware) views["hardware"] = hardware_of(*host.hardware);
    if (host.hypervisor) views["hypervisor"] = hypervisor_of(*host.hypervisor);
    if (!host.meta.empty()) json["meta"] = host.meta;
    return json;
}

}  // namespace

std::string to_host_json(const HostDump& host) { return json::text_of(document_of(host)); }

std::string to_host_line(const HostDump& host) { return json::line_of(document_of(host)); }

}  // namespace poolcpuid
