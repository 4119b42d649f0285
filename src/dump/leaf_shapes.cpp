#include "dump/leaf_shapes.hpp"

#include <algorithm>
#include <array>

#include "dump/hypervisor_leaves.hpp"
#include "dump/virtual_machine.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::uint32_t level_type = 0xFF00;
constexpr std::uint32_t cache_type = 0x1F;
constexpr std::uint32_t section_type = 0xF;
constexpr std::uint32_t target_type = 0xFFF;

constexpr Announcement xsave{{{0x1, 0}, Register::ecx, 26}};
constexpr Announcement x2apic{{{0x1, 0}, Register::ecx, 21}, true};
constexpr Announcement sgx{{{0x7, 0}, Register::ebx, 2}};
constexpr Announcement rdt_monitoring{{{0x7, 0}, Register::ebx, 12}};
constexpr Announcement rdt_allocation{{{0x7, 0}, Register::ebx, 15}};
constexpr Announcement processor_trace{{{0x7, 0}, Register::ebx, 25}};
constexpr Announcement pconfig{{{0x7, 0}, Register::edx, 18}};
constexpr Announcement amx_tile{{{0x7, 0}, Register::edx, 24}};
constexpr Announcement hreset{{{0x7, 1}, Register::eax, 22}};
constexpr Announcement extended_perfmon{{{0x7, 1}, Register::eax, 8}};
constexpr Announcement avx10{{{0x7, 1}, Register::edx, 19}};
constexpr Announcement topology_extensions{{{0x80000001, 0}, Register::ecx, 22}, true};
constexpr Announcement bandwidth_enforcement{{{0x80000008, 0}, Register::ebx, 6}};

constexpr LeafShape counted(std::uint32_t leaf, std::optional<Announcement> announced = {}) {
    return {leaf, Subleaves::counted, Register::eax, 0, 0, announced};
}

constexpr LeafShape bitmap(std::uint32_t leaf, Register reg, std::uint32_t mask = ~1U,
                           std::optional<Announcement> announced = {}) {
    return {leaf, Subleaves::bitmap, reg, mask, 0, announced};
}

constexpr LeafShape list(std::uint32_t leaf, Register reg, std::uint32_t mask, std::uint32_t may_end_at = 0,
                         std::optional<Announcement> announced = {}) {
    return {leaf, Subleaves::list, reg, mask, may_end_at, announced};
}

// No bit announces leaves 4, 17h, 18h, 1Fh and 80000026h.
constexpr std::array shapes{
    list(0x4, Register::eax, cache_type),
    counted(0x7),
    list(0xB, Register::ecx, level_type, 0, x2apic),
    LeafShape{0xD, Subleaves::components, Register::eax, 0, 0, xsave},
    bitmap(0xF, Register::edx, ~1U, rdt_monitoring),
    bitmap(0x10, Register::ebx, ~1U, rdt_allocation),
    list(0x12, Register::eax, section_type, 2, sgx),  // two subleaves of SGX, then sections of its memory
    counted(0x14, processor_trace),
    counted(0x17),
    counted(0x18),
    list(0x1B, Register::eax, target_type, 0, pconfig),
    counted(0x1D, amx_tile),
    counted(0x1E, amx_tile),
    list(0x1F, Register::ecx, level_type),
    counted(0x20, hreset),
    bitmap(0x23, Register::eax, ~1U, extended_perfmon),
    counted(0x24, avx10),
    bitmap(0x27, Register::edx),  // as Fh, of one region
    bitmap(0x28, Register::ebx),  // as 10h, of one region
    counted(0x29),
    list(0x8000001D, Register::eax, cache_type, 0, topology_extensions),
    bitmap(0x80000020, Register::ebx, ~0x51U, bandwidth_enforcement),  // bits 4 and 6 have no subleaf
    list(0x80000026, Register::ecx, level_type),
};

constexpr bool by_leaf(const LeafShape& a, const LeafShape& b) noexcept { return a.leaf < b.leaf; }
static_assert(std::is_sorted(shapes.begin(), shapes.end(), by_leaf));

}  // namespace

std::span<const LeafShape> leaf_shapes() noexcept { return shapes; }

const LeafShape* shape_of(std::uint32_t leaf) noexcept {
    const auto* const at = std::lower_bound(shapes.begin(), shapes.end(), LeafShape{leaf}, by_leaf);
    return at != shapes.end() && at->leaf == leaf ? at : nullptr;
}

AnnouncedSubleaves announced_subleaves(const LeafShape& shape, const Registers& first) {
    AnnouncedSubleaves announced;
    if (shape.how == Subleaves::counted) {
        announced.cut = first.eax >= most_subleaves;
        const std::uint32_t last = std::min(first.eax, most_subleaves - 1);
        for (std::uint32_t subleaf = 1; subleaf <= last; ++subleaf) announced.subleaves.push_back(subleaf);
    } else if (shape.how == Subleaves::bitmap) {
        const std::uint32_t bits = first[shape.reg] & shape.mask;
        for (std::uint32_t subleaf = 1; subleaf < 32; ++subleaf) {
            if ((bits >> subleaf & 1U) == 1) announced.subleaves.push_back(subleaf);
        }
    }
    return announced;
}

namespace {

// Hypervisors put their interfaces 100h leaves apart, so that one can offer several.
constexpr std::uint32_t hypervisor_block(std::uint32_t leaf) noexcept { return leaf & 0xFFFFFF00U; }

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

// Old KVMs say 0 and mean the second leaf (Linux Documentation/virt/kvm/x86/cpuid.rst).
std::optional<std::uint32_t> block_maximum(const CpuidTable& table, std::uint32_t first) {
    const Registers* value = table.find({first, 0});
    if (value != nullptr && value->eax == 0 && serves(table, first, "kvm")) return first + 1;
    return announced_maximum(table, first, first | 0xFFU);
}

}  // namespace

std::optional<std::uint32_t> maximum_leaf(const CpuidTable& table, std::uint32_t leaf, ViewKind view) {
    const std::uint32_t range = range_of(leaf);
    switch (range) {
        case 0:
        case extended_range: break;
        case hypervisor_range:
            if (view == ViewKind::hardware && !shows_hypervisor(table)) return std::nullopt;
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

bool is_of_unknown_maximum(const CpuidTable& table, std::uint32_t leaf) noexcept {
    return range_of(leaf) == extended_range && table.find({extended_range, 0}) == nullptr;
}

}  // namespace poolcpuid::dump
