#include "render/libvirt_names.hpp"

#include <algorithm>
#include <bit>

#include "base/printable.hpp"

namespace poolcpuid::render {

namespace {

promises::RegisterPlace place_of(const CpuMapBits& bits) { return {bits.is_msr, {bits.leaf, bits.subleaf}, bits.reg}; }

DataPlace whole_register(const CpuMapBits& bits) {
    DataPlace place;
    place.is_msr = bits.is_msr;
    place.leaf_first = place.leaf_last = bits.leaf;
    place.subleaf_first = place.subleaf_last = bits.subleaf;
    place.registers = {bits.reg};
    place.high = bits.is_msr ? 63 : 31;
    return place;
}

bool is_one_bit(const CpuMapFeature& feature) {
    return feature.bits.size() == 1 && std::has_single_bit(feature.bits.front().mask);
}

}  // namespace

LibvirtNames::LibvirtNames(const TargetInput& input, const QemuView& guest)
    : input_(input), guest_(guest), owned_(input.policy.owned) {
    if (input.options.qemu_models) qemu_ = &*input.options.qemu_models;
    if (input.options.cpu_map) {
        take_map(*input.options.cpu_map);
    } else {
        take_rulebook();
    }
    index_bits();
}

void LibvirtNames::take_map(const CpuMap& map) {
    features_ = map.features;
    for (auto& [name, feature] : features_) {
        correct(name, feature);
        by_property_.emplace(name, name);
        for (const std::string& property : feature.qemu_names) by_property_.emplace(property, name);
    }
}

void LibvirtNames::take_rulebook() {
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        if (field.names.libvirt.empty()) continue;
        features_[std::string(field.names.libvirt)].bits = {
            {field.is_msr, field.leaf, field.subleaf_first, field.reg, field.mask()}};
    }
}

// libvirt 11 has the names of VMX in the wrong half of their MSRs, that of the settings that must be 1: of a name
// that the rulebook has in the other half, and of one without any place, the rulebook knows better.
void LibvirtNames::correct(const std::string& name, CpuMapFeature& feature) const {
    for (const Field& field : input_.rules.rulebook().fields) {
        if (field.names.libvirt != name) continue;
        const CpuMapBits known{field.is_msr, field.leaf, field.subleaf_first, field.reg, field.mask()};
        if (feature.bits.empty()) {
            feature.bits = {known};
        } else if (is_one_bit(feature)) {
            CpuMapBits& bits = feature.bits.front();
            const bool is_same_msr = bits.is_msr && known.is_msr && bits.leaf == known.leaf;
            if (is_same_msr && std::rotl(bits.mask, 32) == known.mask) bits.mask = known.mask;
        }
    }
}

void LibvirtNames::index_bits() {
    for (const auto& [name, feature] : features_) {
        if (!is_one_bit(feature)) continue;
        const CpuMapBits& bits = feature.bits.front();
        std::vector<std::string>& names =
            by_bit_[{place_of(bits), static_cast<std::uint8_t>(std::countr_zero(bits.mask))}];
        names.push_back(name);
        first_.emplace(name, names.front());
    }
}

const std::vector<std::string>& LibvirtNames::names_at(const Field& field, std::uint32_t subleaf) const {
    static const std::vector<std::string> none;
    const auto at = by_bit_.find({promises::place_of(field, subleaf), field.low});
    return at == by_bit_.end() ? none : at->second;
}

std::string LibvirtNames::name_of(const Field& field, std::uint32_t subleaf) const {
    std::string first;
    for (const std::string& name : names_at(field, subleaf)) {
        if (!knows(name)) continue;
        if (name == field.names.libvirt) return name;
        if (first.empty()) first = name;
    }
    return first;
}

std::string LibvirtNames::why_not(const Field& field, std::uint32_t subleaf) const {
    const std::vector<std::string>& names = names_at(field, subleaf);
    const bool is_dropped = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return qemu_drops(name, features_.find(name)->second);
    });
    if (is_dropped) {
        return "QEMU " + printable(qemu_->full_version) +
               " drops it without another property that the policy leaves off.";
    }
    if (!names.empty() && qemu_ != nullptr) {
        return "QEMU " + printable(qemu_->full_version) + " has no name for it.";
    }
    return input_.options.cpu_map ? "This libvirt has no name for it." : "libvirt has no name for it.";
}

bool LibvirtNames::qemu_has(const std::string& name, const CpuMapFeature& feature) const {
    if (qemu_ == nullptr || qemu_->properties.contains(name)) return true;
    const auto& others = feature.qemu_names;
    return std::any_of(others.begin(), others.end(),
                       [&](const std::string& other) { return qemu_->properties.contains(other); });
}

// Whether the QEMU turns the feature off again though it was told to turn it on.
bool LibvirtNames::qemu_drops(const std::string& name, const CpuMapFeature& feature) const {
    if (qemu_ == nullptr) return false;
    const auto& others = feature.qemu_names;
    return qemu_->dropped.contains(name) || std::any_of(others.begin(), others.end(), [&](const std::string& other) {
               return qemu_->dropped.contains(other);
           });
}

bool LibvirtNames::knows(const std::string& name) const {
    if (!input_.options.cpu_map) return true;
    const auto at = features_.find(name);
    return at != features_.end() && qemu_has(name, at->second) && !qemu_drops(name, at->second);
}

std::string LibvirtNames::name_of_property(const std::string& property) const {
    const auto at = by_property_.find(property);
    return at == by_property_.end() ? std::string() : at->second;
}

bool LibvirtNames::is_in_policy(const std::string& name) const {
    const auto at = features_.find(name);
    if (at == features_.end() || at->second.bits.empty()) return false;
    return std::all_of(at->second.bits.begin(), at->second.bits.end(), [&](const CpuMapBits& bits) {
        return (guest_.promised(whole_register(bits)) & bits.mask) == bits.mask;
    });
}

bool LibvirtNames::is_left_to_vmm(const std::string& name) const {
    const auto at = features_.find(name);
    if (at == features_.end() || at->second.bits.empty()) return false;
    return std::all_of(at->second.bits.begin(), at->second.bits.end(),
                       [&](const CpuMapBits& bits) { return (owned_.of(place_of(bits)) & bits.mask) == bits.mask; });
}

// The gate of the field there. Of an MSR's bits without a field, that of the MSR's others.
const Field* LibvirtNames::gate_of(const CpuMapBits& bits) const {
    const Rulebook& rulebook = input_.rules.rulebook();
    const Field* gate = nullptr;
    for (const Field& field : rulebook.fields) {
        if (field.is_msr != bits.is_msr || field.leaf != bits.leaf || field.gate == no_field) continue;
        if (field.is_msr) gate = &rulebook[field.gate];
        const bool is_here = field.is_msr || (field.reg == bits.reg && field.is_in_subleaf(bits.subleaf));
        if (is_here && (field.mask() & bits.mask) != 0) return &rulebook[field.gate];
    }
    return gate;
}

bool LibvirtNames::counts(const std::string& name) const {
    const auto at = features_.find(name);
    if (at == features_.end()) return true;
    return std::all_of(at->second.bits.begin(), at->second.bits.end(), [&](const CpuMapBits& bits) {
        const Field* gate = gate_of(bits);
        return gate == nullptr || guest_.promised(*gate, gate->subleaf_first) != 0;
    });
}

const std::string& LibvirtNames::first_of_equals(const std::string& name) const {
    const auto at = first_.find(name);
    return at == first_.end() ? name : at->second;
}

}  // namespace poolcpuid::render
