// The raw API of KVM: what a VMM hands to KVM_SET_CPUID2 and KVM_SET_MSRS (Documentation/virt/kvm/api.rst).
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "policy/document_json.hpp"
#include "policy/subleaves.hpp"
#include "render/rate_note.hpp"
#include "render/target_data.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

namespace {

using Json = nlohmann::ordered_json;

Json entry_json(const TargetInput& input, const CpuidRow& row) {
    Json json;
    json["function"] = to_hex(row.key.leaf);
    json["index"] = to_hex(row.key.subleaf);
    json["flags"] = has_subleaves(input.rules.rulebook(), input.policy, row.key.leaf) ? 1 : 0;
    for (const Register reg : all_registers) {
        json[to_string(reg)] = to_hex(row.value[reg], 8);
    }
    return json;
}

Json msr_json(const MsrRow& row) { return {{"index", to_hex(row.index)}, {"data", to_hex(row.value.value_or(0), 16)}}; }

}  // namespace

Rendering render_kvm(const TargetInput& input) {
    const KvmData data = rulebook::kvm_data(input.rules.rulebook());
    std::vector<MsrRow> msrs;
    std::vector<MsrRow> made;
    std::partition_copy(input.policy.msrs.begin(), input.policy.msrs.end(), std::back_inserter(made),
                        std::back_inserter(msrs), [&](const MsrRow& row) { return data.makes(row.index); });
    Json json;
    json["schema"] = "poolcpuid/kvm/v1";
    json["pool"] = input.policy.pool;
    json["vendor"] = input.policy.vendor;
    json["cpuid"] = document::array_of(input.policy.cpuid, [&](const CpuidRow& row) { return entry_json(input, row); });
    json["msrs"] = document::array_of(msrs, msr_json);
    if (!made.empty()) json["made"] = document::array_of(made, msr_json);
    json["owned"] = document::array_of(input.policy.owned, [](const BitPlace& place) {
        Json entry;
        document::put_place(entry, place);
        return entry;
    });
    Rendering rendering;
    rendering.version = "the raw KVM API";
    rendering.output = json::text_of(json);
    rendering.is_json = true;
    rendering.notes.push_back(
        "The VMM fills in the bits listed as owned for each virtual CPU: APIC ids, topology, its own leaves from "
        "40000000h on. Every other bit goes to KVM_SET_CPUID2 as it stands, and no entry may be added that the "
        "list lacks.");
    if (!made.empty()) {
        rendering.notes.push_back(
            "VMX MSRs that KVM makes from the others and from CPUID are listed as made and not to be set: KVM_SET_MSRS "
            "refuses them whatever the value.");
    }
    if (!msrs.empty()) {
        rendering.notes.push_back(
            "KVM_SET_MSRS refuses values of the VMX, PERF_CAPABILITIES and DE_CFG MSRs that the host lacks; the "
            "VMM must take the number that it returns for an error.");
    }
    note_rate(input, "The VMM does that with KVM_SET_TSC_KHZ.", rendering);
    return rendering;
}

Remedy kvm_remedy(const TargetInput&, const Rendering&, const HostDump&, const std::vector<StartUp>&) {
    return nothing_to_do(
        "KVM_SET_CPUID2 takes the bits whether KVM_GET_SUPPORTED_CPUID lists them or not. The VMM "
        "must not mask the entries with that list.");
}

}  // namespace poolcpuid::render
