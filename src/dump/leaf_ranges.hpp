// Which leaves a CPU has: the maximum leaf of each range of CPUID leaves.
#pragma once

#include <cstdint>
#include <optional>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

inline constexpr std::uint32_t extended_range = 0x80000000;

// Whose word a table is: what CPUID returned on a CPU, or what a hypervisor says that it can give.
enum class ViewKind : std::uint8_t { hardware, hypervisor };

// The highest leaf of the range in which leaf lies, or nothing when the CPU does not have that range.
//
// A range is announced by its first leaf: basic (0), extended (80000000h), Centaur and Zhaoxin
// (C0000000h, only with their vendor strings), Transmeta (80860000h, likewise), hypervisor (40000000h,
// in blocks of 100h, on a CPU only when leaf 1 ECX[31] is set). On a CPU that lacks a range, Intel's echo
// the highest basic leaf (SDM vol. 2A, CPUID), so a first leaf whose EAX is no leaf of the range announces
// nothing. A hypervisor's own list echoes nothing, and KVM lists its block whether or not it lists the bit.
// KVM's block may have the maximum 0, which stands for its second leaf (Linux, virt/kvm/x86/cpuid.rst).
// table must be sorted; its unknown rows are not looked at. Logarithmic.
std::optional<std::uint32_t> maximum_leaf(const CpuidTable& table, std::uint32_t leaf,
                                          ViewKind view = ViewKind::hardware);

// True when leaf is not beyond maximum_leaf of its range.
bool within_maximum(const CpuidTable& table, std::uint32_t leaf, ViewKind view = ViewKind::hardware);

}  // namespace poolcpuid::dump
