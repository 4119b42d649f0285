// Whose the leaves of hypervisors are.
//
// A hypervisor signs the first leaf of a block, at 40000000h or, where it serves several interfaces, 100h above the one
// before. What a leaf behind it means follows from that (`hypervisors` of the rulebook; Linux
// Documentation/virt/kvm/x86/cpuid.rst, TLFS 2.4, Xen's public/arch-x86/cpuid.h): the second one is bits under KVM, the
// text "Hv#1" under Hyper-V, and a version under Xen.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::dump {

// True when the block that begins with this leaf is of the interface. Logarithmic in the rows.
bool serves(const CpuidTable& table, std::uint32_t block, const HypervisorInterface& interface) noexcept;

// The same of the interface with this id in the rulebook that is compiled in.
bool serves(const CpuidTable& table, std::uint32_t block, std::string_view id) noexcept;

// The table with the leaves of a hypervisor's interface (Field::hypervisor) where the rulebook has them: moved from the
// block of that interface, and taken away, which reads as zeros, where there is none. Nothing where all stand there as
// they are, or the table does not know who signed. Linear in the rows and the fields of the rulebook.
std::optional<CpuidTable> with_hypervisor_leaves(const Rulebook& rulebook, const CpuidTable& table);

// Puts the leaves of hypervisors of one table into another in the place of its own. Nothing where the first one does
// not know who signed. Linear in the rows.
void take_hypervisor_leaves(const CpuidTable& from, CpuidTable& into);

// The leaf as the rulebook has it, of a table as it was dumped; nothing of leaves of hypervisors that are of another
// interface than the rulebook speaks of. Linear in the fields of the rulebook for leaves of hypervisors.
std::optional<std::uint32_t> known_leaf(const Rulebook& rulebook, const CpuidTable& table, std::uint32_t leaf) noexcept;

}  // namespace poolcpuid::dump
