#include "dump/own_ids.hpp"

#include <algorithm>

#include "base/id_bits.hpp"
#include "dump/leaf_shapes.hpp"

namespace poolcpuid::dump {

namespace {

Registers without_ids(const CpuidRow& row) noexcept {
    const Registers ids = own_ids(row.key.leaf);
    const Registers& value = row.value;
    return {value.eax & ~ids.eax, value.ebx & ~ids.ebx, value.ecx & ~ids.ecx, value.edx & ~ids.edx};
}

}  // namespace

bool equal_but_ids(const CpuidRow& one, const CpuidRow& other) noexcept {
    if (one == other) return true;
    const Registers rest = without_ids(one);
    if (one.key != other.key || rest != without_ids(other)) return false;
    return !rest.all_zero() || !has_subleaves(one.key.leaf);
}

bool equal_but_ids(const CpuidTable& one, const CpuidTable& other) noexcept {
    const auto equal_rows = [](const CpuidRow& a, const CpuidRow& b) { return a == b || equal_but_ids(a, b); };
    return one.unknown == other.unknown && one.unknown_bits == other.unknown_bits &&
           std::equal(one.rows.begin(), one.rows.end(), other.rows.begin(), other.rows.end(), equal_rows);
}

bool contradict(const CpuidTable& one, const CpuidTable& other) noexcept {
    return std::any_of(one.rows.begin(), one.rows.end(), [&other](const CpuidRow& row) {
        const Registers* value = other.find(row.key);
        return value != nullptr && !equal_but_ids(row, CpuidRow{row.key, *value});
    });
}

ApicIds apic_ids(const CpuidTable& cpu) noexcept {
    constexpr std::uint32_t topology_leaf = 0xB;
    ApicIds ids;
    if (const Registers* features = cpu.find({0x1, 0})) ids.initial = features->ebx >> 24U;
    const Registers* topology = cpu.find({topology_leaf, 0});
    if (topology != nullptr && topology->ebx != 0) ids.x2apic = topology->edx;
    ids.tell_all = topology != nullptr || !within_maximum(cpu, topology_leaf);
    return ids;
}

}  // namespace poolcpuid::dump
