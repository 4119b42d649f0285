// Firecracker's custom CPU template (docs/cpu_templates/cpu-templates.md): what to change in the list that KVM
// gives, bit by bit. Firecracker refuses a template that names an entry or an MSR which KVM does not list, and
// overwrites some bits after it has applied the template.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "base/printable.hpp"
#include "policy/subleaves.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/owned_bits.hpp"
#include "render/host_values.hpp"
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
    Template(const TargetInput& input, const FirecrackerData& data, const HostValues& hosts)
        : policy_(input.policy),
          rules_(input.rules),
          data_(data),
          kvm_(rulebook::kvm_data(input.rules.rulebook())),
          hosts_(hosts),
          owned_(input.policy.owned) {}

    Json json() {
        Json document;
        document["cpuid_modifiers"] = Json::array();
        // KVM lists every leaf up to its maximum, so what the policy does not show has to be cleared.
        std::map<LeafKey, Registers> rows = rows_with_zeros(rules_, policy_);
        const LeafKey services = first_register(data_.services).key;
        const Registers left = rows.contains(services) ? Registers{} : services_of_all(services);
        if (left != Registers{}) rows.emplace(services, Registers{});
        for (const auto& [key, value] : rows) {
            document["cpuid_modifiers"].push_back(leaf_json(key, value, key == services ? left : Registers{}));
        }
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

    // The bits of KVM's services that no host is known to lack, where one lacks another: a policy without any leaves
    // them to KVM, and the guest must not have the others where it starts. All zeros: no host lacks one.
    Registers services_of_all(const LeafKey& key) const {
        Registers left{~0U, ~0U, ~0U, ~0U};
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rules_.rulebook()[index];
            const bool is_here = !field.is_msr && field.leaf == key.leaf && field.is_in_subleaf(key.subleaf);
            if (is_here && hosts_.known(field).contains(0))
                left[field.reg] &= ~static_cast<std::uint32_t>(field.mask());
        }
        return left == Registers{~0U, ~0U, ~0U, ~0U} ? Registers{} : left;
    }

    // left: bits that are KVM's to say.
    Json leaf_json(LeafKey key, const Registers& value, const Registers& left) const {
        Json modifiers = Json::array();
        for (const Register reg : all_registers) {
            const std::uint64_t owned = owned_.of({false, key, reg}) | left[reg];
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
    const HostValues& hosts_;
    promises::OwnedBits owned_;
};

bool is_listed(const HypervisorView& view, const BitPlace& place) {
    if (!place.is_msr) return view.cpuid.find({place.leaf, place.subleaf_first}) != nullptr;
    const MsrRow* row = view.msrs ? find_msr(*view.msrs, place.leaf) : nullptr;
    return row != nullptr && row->value.has_value();
}

// The fields of bits that are set, and that the policy lacks only because dumps of the hardware alone do not tell of
// them: each KVM makes them, and Firecracker runs on nothing else. Empty where one is lacked for another reason.
std::vector<std::string_view> made_by_each_kvm(const TargetInput& input, const HostValues& hosts,
                                               const FixedBits& bits) {
    std::vector<std::string_view> made;
    if (bits.value != bits.place.mask() >> bits.place.low) return made;
    for (const FieldIndex index : input.rules.fields()) {
        const Field& field = input.rules.rulebook()[index];
        if (!bits.place.covers(field, field.subleaf_first)) continue;
        const auto& decisions = input.policy.decisions;
        const bool is_untold = std::any_of(decisions.begin(), decisions.end(), [&](const Decision& decision) {
            return decision.field == std::string_view(field.id) && decision.value == 0 &&
                   decision.cause == Cause::hosts;
        });
        if (field.made.by != Makers::all || !is_untold || hosts.known(field).contains(0)) return {};
        made.push_back(std::string_view(field.id));
    }
    return made;
}

}  // namespace

Rendering render_firecracker(const TargetInput& input) {
    const FirecrackerData data = rulebook::firecracker_data(input.rules.rulebook());
    if (!is_for(data.vendors, input.vendor)) {
        throw UsageError("Firecracker runs no guest on " + printable(input.policy.vendor));
    }
    Rendering rendering;
    rendering.version = "Firecracker's custom CPU templates, version 1.12 and later";
    const HostValues hosts(input.rules, input.policy);
    rendering.output = json::text_of(Template(input, data, hosts).json());
    rendering.is_json = true;
    GuestView view(input.rules, input.policy);
    for (const FixedBits& bits : data.fixed) {
        if (!is_for(bits.vendors, input.vendor)) continue;
        const std::vector<std::string_view> made = made_by_each_kvm(input, hosts, bits);
        if (made.empty()) view.apply(bits);
        for (const std::string_view field : made) {
            rendering.notes.push_back(
                "Guests have " + std::string(field) +
                ", too: each KVM gives it, though dumps of the hardware alone do not tell of it.");
        }
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
    if (PolicyRegisters(input.policy).row(first_register(data.services).key) == nullptr) {
        rendering.notes.push_back(
            "Leaves from 40000000h on are not the policy's: guests have the services of the KVM on which they start, "
            "but for those that a host is known to lack.");
    }
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
