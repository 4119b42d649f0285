#include "dump/leaf_ranges.hpp"

#include <algorithm>

namespace poolcpuid::dump {

namespace {

constexpr std::uint32_t hypervisor_range = 0x40000000;
constexpr std::uint32_t transmeta_range = 0x80860000;
constexpr std::uint32_t centaur_range = 0xC0000000;

// Hypervisors put their interfaces 100h leaves apart, so that one can offer several.
constexpr std::uint32_t hypervisor_block(std::uint32_t leaf) noexcept { return leaf & 0xFFFFFF00U; }

bool runs_under_hypervisor(const CpuidTable& table) {
    const Registers* features = table.find({1, 0});
    return features != nullptr && (features->ecx >> 31U) == 1;
}

bool has_vendor(const CpuidTable& table, std::initializer_list<const char*> vendors) {
    const std::optional<std::string> vendor = vendor_string(table);
    return vendor && std::find(vendors.begin(), vendors.end(), *vendor) != vendors.end();
}

// What the first leaf of a range or block says is its maximum leaf, if that lies in it.
std::optional<std::uint32_t> announced_maximum(const CpuidTable& table, std::uint32_t first, std::uint32_t last) {
    const Registers* value = table.find({first, 0});
    if (value == nullptr || value->eax < first || value->eax > last) return std::nullopt;
    return value->eax;
}

// The signature of KVM in EBX, ECX and EDX of a block's first leaf: "KVMKVMKVM" and three zeros.
bool is_kvm(const Registers& first) noexcept {
    return first.ebx == 0x4B4D564B && first.ecx == 0x564B4D56 && first.edx == 0x4D;
}

std::optional<std::uint32_t> block_maximum(const CpuidTable& table, std::uint32_t first) {
    const Registers* value = table.find({first, 0});
    if (value != nullptr && value->eax == 0 && is_kvm(*value)) return first + 1;
    return announced_maximum(table, first, first | 0xFFU);
}

}  // namespace

std::optional<std::uint32_t> maximum_leaf(const CpuidTable& table, std::uint32_t leaf, ViewKind view) {
    const std::uint32_t range = range_of(leaf);
    switch (range) {
        case 0:
        case extended_range: break;
        case hypervisor_range:
            if (view == ViewKind::hardware && !runs_under_hypervisor(table)) return std::nullopt;
            return block_maximum(table, hypervisor_block(leaf));
        case transmeta_range:
            if (!has_vendor(table, {"GenuineTMx86", "TransmetaCPU"})) return std::nullopt;
            break;
        case centaur_range:
            if (!has_vendor(table, {"CentaurHauls", "  Shanghai  ", "VIA VIA VIA "})) return std::nullopt;
            break;
        default: return std::nullopt;
    }
    return announced_maximum(table, range, range | 0xFFFFU);
}

bool within_maximum(const CpuidTable& table, std::uint32_t leaf, ViewKind view) {
    const std::optional<std::uint32_t> maximum = maximum_leaf(table, leaf, view);
    return maximum && leaf <= *maximum;
}

}  // namespace poolcpuid::dump
