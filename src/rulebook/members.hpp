// The members of each record of a rulebook, in their order. What the rulebook compiler writes follows from it, and a
// record that has another number of members does not compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// What C++ calls a type of the tables, by a pointer to one.
constexpr const char* type_name(const std::uint8_t*) { return "std::uint8_t"; }
constexpr const char* type_name(const std::uint16_t*) { return "std::uint16_t"; }
constexpr const char* type_name(const Text*) { return "Text"; }
constexpr const char* type_name(const List<GuardTerm>*) { return "List<GuardTerm>"; }
constexpr const char* type_name(const Register*) { return "Register"; }
constexpr const char* type_name(const Rule*) { return "Rule"; }
constexpr const char* type_name(const Exposure*) { return "Exposure"; }
constexpr const char* type_name(const Impact*) { return "Impact"; }
constexpr const char* type_name(const Makers*) { return "Makers"; }
constexpr const char* type_name(const Derivation*) { return "Derivation"; }
constexpr const char* type_name(const XsaveState*) { return "XsaveState"; }

namespace members_detail {

struct Anything {
    template <typename Type>
    operator Type() const;
};

template <typename Record, std::size_t... Index>
consteval bool takes(std::index_sequence<Index...>) {
    return requires { Record{((void)Index, Anything{})...}; };
}

// A record and its members, all of them.
template <typename Record, typename... Members>
constexpr std::tuple<const Members&...> all_of(const Record&, const Members&... members) {
    static_assert(takes<Record>(std::make_index_sequence<sizeof...(Members)>()));
    static_assert(!takes<Record>(std::make_index_sequence<sizeof...(Members) + 1>()), "a member is missing");
    return {members...};
}

}  // namespace members_detail

constexpr const char* type_name(const LeafKey*) { return "LeafKey"; }
constexpr auto members(const LeafKey& r) { return members_detail::all_of(r, r.leaf, r.subleaf); }

constexpr const char* type_name(const VmmVersion*) { return "VmmVersion"; }
constexpr auto members(const VmmVersion& r) { return members_detail::all_of(r, r.major, r.minor); }

constexpr const char* type_name(const NameAge*) { return "NameAge"; }
constexpr auto members(const NameAge& r) { return members_detail::all_of(r, r.since, r.absent); }

constexpr const char* type_name(const GuardTerm*) { return "GuardTerm"; }
constexpr auto members(const GuardTerm& r) { return members_detail::all_of(r, r.field, r.negated); }

constexpr const char* type_name(const Guard*) { return "Guard"; }
constexpr auto members(const Guard& r) {
    return members_detail::all_of(r, r.immune, r.model, r.told_by, r.heeds, r.in_vain);
}

constexpr const char* type_name(const Made*) { return "Made"; }
constexpr auto members(const Made& r) {
    return members_detail::all_of(r, r.by, r.vendors, r.where, r.model, r.unsure, r.source);
}

constexpr const char* type_name(const Missed*) { return "Missed"; }
constexpr auto members(const Missed& r) { return members_detail::all_of(r, r.unless, r.says); }

constexpr const char* type_name(const BitSource*) { return "BitSource"; }
constexpr auto members(const BitSource& r) { return members_detail::all_of(r, r.bit, r.field); }

constexpr const char* type_name(const Choice*) { return "Choice"; }
constexpr auto members(const Choice& r) { return members_detail::all_of(r, r.condition, r.value); }

constexpr const char* type_name(const Cover*) { return "Cover"; }
constexpr auto members(const Cover& r) { return members_detail::all_of(r, r.bit, r.covered); }

constexpr const char* type_name(const Easing*) { return "Easing"; }
constexpr auto members(const Easing& r) { return members_detail::all_of(r, r.field, r.impact); }

constexpr const char* type_name(const Rate*) { return "Rate"; }
constexpr auto members(const Rate& r) { return members_detail::all_of(r, r.product, r.per, r.in_khz); }

constexpr const char* type_name(const Derive*) { return "Derive"; }
constexpr auto members(const Derive& r) {
    return members_detail::all_of(r, r.how, r.from, r.reg, r.condition, r.then_value, r.else_value, r.msr, r.default1,
                                  r.bits, r.choices);
}

constexpr const char* type_name(const FieldNames*) { return "FieldNames"; }
constexpr auto members(const FieldNames& r) {
    return members_detail::all_of(r, r.vendor, r.kernel, r.qemu, r.libvirt, r.xen, r.qemu_age);
}

constexpr const char* type_name(const Field*) { return "Field"; }
constexpr auto members(const Field& r) {
    return members_detail::all_of(r, r.id, r.is_msr, r.leaf, r.subleaf_first, r.subleaf_last, r.reg, r.low, r.high,
                                  r.vendors, r.hypervisor, r.rule, r.exposure, r.impact, r.mitigation, r.required,
                                  r.emulated, r.by_microcode, r.brought_to, r.of_identity, r.zero_has_meaning,
                                  r.zero_means, r.zero_means_field, r.assured, r.known_to, r.gate, r.implied_by,
                                  r.length_from, r.allowed_by, r.covers, r.eased_by, r.hides, r.rates, r.ask, r.guard,
                                  r.made, r.missed, r.derive, r.names, r.wider, r.why, r.source);
}

constexpr const char* type_name(const Vendor*) { return "Vendor"; }
constexpr auto members(const Vendor& r) { return members_detail::all_of(r, r.id, r.name, r.strings); }

constexpr const char* type_name(const ByHand*) { return "ByHand"; }
constexpr auto members(const ByHand& r) { return members_detail::all_of(r, r.option, r.where); }

constexpr const char* type_name(const Vulnerability*) { return "Vulnerability"; }
constexpr auto members(const Vulnerability& r) {
    return members_detail::all_of(r, r.id, r.name, r.vendors, r.by_hand, r.source);
}

constexpr const char* type_name(const HypervisorInterface*) { return "HypervisorInterface"; }
constexpr auto members(const HypervisorInterface& r) {
    return members_detail::all_of(r, r.id, r.name, r.signature, r.interface, r.source);
}

constexpr const char* type_name(const Dependency*) { return "Dependency"; }
constexpr auto members(const Dependency& r) {
    return members_detail::all_of(r, r.prerequisites, r.dependents, r.vendors, r.where_had, r.why, r.source);
}

constexpr const char* type_name(const EqualityGroup*) { return "EqualityGroup"; }
constexpr auto members(const EqualityGroup& r) {
    return members_detail::all_of(r, r.id, r.fields, r.drop, r.of_model, r.why, r.source);
}

constexpr const char* type_name(const RetpolineBits*) { return "RetpolineBits"; }
constexpr auto members(const RetpolineBits& r) {
    return members_detail::all_of(r, r.rsba, r.rrsba, r.eibrs, r.why, r.source);
}

constexpr const char* type_name(const XsaveLayout*) { return "XsaveLayout"; }
constexpr auto members(const XsaveLayout& r) {
    return members_detail::all_of(r, r.vendors, r.size, r.offset, r.align64, r.source);
}

constexpr const char* type_name(const XsaveComponent*) { return "XsaveComponent"; }
constexpr auto members(const XsaveComponent& r) {
    return members_detail::all_of(r, r.id, r.bit, r.state, r.features, r.layouts, r.together, r.why, r.source);
}

constexpr const char* type_name(const SiliconFact*) { return "SiliconFact"; }
constexpr auto members(const SiliconFact& r) { return members_detail::all_of(r, r.field, r.value); }

constexpr const char* type_name(const MicrocodeFacts*) { return "MicrocodeFacts"; }
constexpr auto members(const MicrocodeFacts& r) {
    return members_detail::all_of(r, r.from, r.below, r.silicon, r.recalled, r.spares_guests);
}

constexpr const char* type_name(const NumberRange*) { return "NumberRange"; }
constexpr auto members(const NumberRange& r) { return members_detail::all_of(r, r.first, r.last); }

constexpr const char* type_name(const Model*) { return "Model"; }
constexpr auto members(const Model& r) {
    return members_detail::all_of(r, r.vendors, r.family, r.models, r.steppings, r.name, r.microarchitecture,
                                  r.generation, r.silicon, r.microcode, r.immune, r.inferred, r.reported, r.unaware,
                                  r.beyond_software, r.source);
}

constexpr const char* type_name(const CpuFamily*) { return "CpuFamily"; }
constexpr auto members(const CpuFamily& r) {
    return members_detail::all_of(r, r.vendors, r.family, r.inferred, r.unaware, r.source);
}

constexpr const char* type_name(const Level*) { return "Level"; }
constexpr auto members(const Level& r) { return members_detail::all_of(r, r.id, r.features); }

constexpr const char* type_name(const NumberBound*) { return "NumberBound"; }
constexpr auto members(const NumberBound& r) { return members_detail::all_of(r, r.field, r.most); }

constexpr const char* type_name(const Baseline*) { return "Baseline"; }
constexpr auto members(const Baseline& r) {
    return members_detail::all_of(r, r.id, r.of, r.vendors, r.refusal, r.features, r.numbers);
}

constexpr const char* type_name(const SourceKey*) { return "SourceKey"; }
constexpr auto members(const SourceKey& r) { return members_detail::all_of(r, r.key, r.means); }

constexpr const char* type_name(const TargetFile*) { return "TargetFile"; }
constexpr auto members(const TargetFile& r) { return members_detail::all_of(r, r.name, r.document); }

constexpr const char* type_name(const GuestFile*) { return "GuestFile"; }
constexpr auto members(const GuestFile& r) { return members_detail::all_of(r, r.name, r.document); }

constexpr const char* type_name(const Rulebook*) { return "Rulebook"; }
constexpr auto members(const Rulebook& r) {
    return members_detail::all_of(r, r.version, r.sha256, r.vendors, r.vulnerabilities, r.hypervisors, r.fields,
                                  r.dependencies, r.equality, r.retpoline, r.xsave_legacy_size, r.xsave, r.models,
                                  r.families, r.levels, r.baselines, r.sources, r.targets, r.guests);
}

}  // namespace poolcpuid::rulebook
