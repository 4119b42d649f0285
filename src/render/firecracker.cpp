// Firecracker's custom CPU template (docs/cpu_templates/cpu-templates.md): what to change in the list that KVM
// gives, bit by bit. Firecracker refuses a template that names an entry or an MSR which KVM does not list, and
// overwrites some bits after it has applied the template.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "base/printable.hpp"
#include "policy/subleaves.hpp"
#include "poolcpuid/error.hpp"
#include "promises/owned_bits.hpp"
#include "render/targets.hpp"
#include "render/whole_rows.hpp"

namespace poolcpuid::render {

namespace {

using Json = nlohmann::ordered_json;

// "0b" and a digit a bit, the highest first; x leaves KVM's value, or the VMM's.
std::string bitmap(std::uint64_t value, std::uint64_t left_alone, unsigned width) {
    std::string text = "0b";
    for (unsigned i = width; i-- > 0;) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        text += (left_alone & bit) != 0 ? 'x' : (value & bit) != 0 ? '1' : '0';
    }
    return text;
}

class Template {
public:
    Template(const TargetInput& input, const FirecrackerData& data)
        : policy_(input.policy),
          rules_(input.rules),
          data_(data),
          kvm_(rulebook::kvm_data(input.rules.rulebook())),
          owned_(input.policy.owned) {}

    Json json() {
        Json document;
        document["cpuid_modifiers"] = Json::array();
        // KVM lists every leaf up to its maximum, so what the policy does not show has to be cleared.
        for (const auto& [key, value] : rows_with_zeros(rules_, policy_))
            document["cpuid_modifiers"].push_back(leaf_json(key, value));
        document["msr_modifiers"] = Json::array();
        for (const MsrRow& row : policy_.msrs) {
            if (is_fixed(row.index) || kvm_.makes(row.index)) continue;  // what KVM makes it takes from no VMM
            const std::uint64_t owned = owned_.of({true, {row.index, 0}, Register::eax});
            document["msr_modifiers"].push_back(
                {{"addr", to_hex(row.index)}, {"bitmap", bitmap(row.value.value_or(0), owned, 64)}});
        }
        return document;
    }

private:
    bool is_fixed(std::uint32_t msr) const {
        return std::any_of(data_.fixed.begin(), data_.fixed.end(), [&](const FixedBits& bits) {
            return bits.place.is_msr && bits.place.has_row({msr, 0});
        });
    }

    Json leaf_json(LeafKey key, const Registers& value) const {
        Json modifiers = Json::array();
        for (const Register reg : all_registers) {
            const std::uint64_t owned = owned_.of({false, key, reg});
            modifiers.push_back({{"register", to_string(reg)}, {"bitmap", bitmap(value[reg], owned, 32)}});
        }
        return {{"leaf", to_hex(key.leaf)},
                {"subleaf", to_hex(key.subleaf)},
                {"flags", has_subleaves(rules_.rulebook(), policy_, key.leaf) ? 1 : 0},
                {"modifiers", std::move(modifiers)}};
    }

    const PoolPolicy& policy_;
    const promises::VendorRules& rules_;
    const FirecrackerData& data_;
    KvmData kvm_;
    promises::OwnedBits owned_;
};

bool is_listed(const HypervisorView& view, const BitPlace& place) {
    if (!place.is_msr) return view.cpuid.find({place.leaf, place.subleaf_first}) != nullptr;
    const MsrRow* row = view.msrs ? find_msr(*view.msrs, place.leaf) : nullptr;
    return row != nullptr && row->value.has_value();
}

}  // namespace

Rendering render_firecracker(const TargetInput& input) {
    const FirecrackerData data = rulebook::firecracker_data(input.rules.rulebook());
    if (!is_for(data.vendors, input.vendor)) {
        throw UsageError("Firecracker runs no guest on " + printable(input.policy.vendor));
    }
    Rendering rendering;
    rendering.version = "Firecracker's custom CPU templates, version 1.4 and later";
    rendering.output = json::text_of(Template(input, data).json());
    rendering.is_json = true;
    GuestView view(input.rules, input.policy);
    for (const FixedBits& bits : data.fixed) {
        if (is_for(bits.vendors, input.vendor)) view.apply(bits);
    }
    for (const FixedBits& rows : data.of_host) {
        forget_absent(
            view, [&](LeafKey key) { return rows.place.has_row(key); }, rows.why);
    }
    view.settle();
    rendering.inexpressible = view.differences();
    rendering.notes.push_back(
        "Firecracker refuses the template on a host whose KVM does not list one of its leaves or MSRs; --hosts says "
        "which hosts those are.");
    return rendering;
}

Remedy firecracker_remedy(const TargetInput&, const Rendering&, const HostDump& host,
                          const std::vector<StartUp>& hidden) {
    std::set<std::string> missing;
    for (const StartUp& entry : hidden) {
        const BitPlace& place = entry.place;
        if (host.hypervisor && !is_listed(*host.hypervisor, place)) {
            missing.insert((place.is_msr ? "MSR " : "leaf ") + to_hex(place.leaf));
        }
    }
    if (missing.empty()) {
        return {
            "The template sets the bits there as anywhere, if KVM lists their leaf at all: Firecracker refuses a "
            "leaf or MSR that KVM does not list."};
    }
    std::string list;
    for (const std::string& entry : missing) list += (list.empty() ? "" : ", ") + entry;
    return {"Firecracker refuses the template there: KVM does not list " + list +
            ". Update the host's kernel, or keep the VM off it."};
}

}  // namespace poolcpuid::render
