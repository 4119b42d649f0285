// Which CPUID leaves have subleaves, and how each of them says which: the one table of it, for the readers of
// dumps (what a dump should have had) and for capture (what to ask for).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

// How a leaf says which subleaves it has beside subleaf 0.
enum class Subleaves : std::uint8_t {
    counted,     // EAX of subleaf 0 is the highest
    bitmap,      // subleaf n exists if bit n of a register of subleaf 0 is set
    list,        // without gaps; from some subleaf on, the first with zeros in a field of a register ends it
    components,  // leaf Dh: subleaves 0 and 1 have a bit for each state component, whose number is its subleaf
};

// A bit of a register.
struct FeatureBit {
    LeafKey key;
    Register reg = Register::eax;
    unsigned bit = 0;

    // row is that of key, or nullptr where nothing is known of it.
    bool is_set_in(const Registers* row) const noexcept { return row != nullptr && ((*row)[reg] >> bit & 1U) == 1; }
};

// What announces a leaf.
struct Announcement {
    FeatureBit feature;
    bool is_filled_in = false;  // in a hypervisor's list the leaf is zeros: it fills it in for each vCPU
};

// A leaf is announced only on CPUs where it is not all zeros, so that one without a row was lost. (That of SGX may be
// zeros until the firmware turns it on: a text that leaves zeros out does not tell.)
struct LeafShape {
    std::uint32_t leaf = 0;
    Subleaves how = Subleaves::counted;
    Register reg = Register::eax;  // bitmap, list
    std::uint32_t mask = 0;        // list: the field
    std::uint32_t may_end_at = 0;  // list: the first subleaf that may end it
    std::optional<Announcement> announced{};

    // True when subleaf, which reads value, is the end of a list.
    bool ends_at(std::uint32_t subleaf, const Registers& value) const noexcept {
        return subleaf >= may_end_at && (value[reg] & mask) == 0;
    }
};

// The leaf of the XSAVE state components.
inline constexpr std::uint32_t xsave_leaf = 0xD;

// No leaf has so many subleaves: what announces more is damaged, or means something else.
inline constexpr std::uint32_t most_subleaves = 64;

// The highest number that a state component can have: bit 63 of XCR0 stands for none (SDM vol. 1, 13.3).
inline constexpr std::uint32_t last_component = 62;

// Every leaf whose answer depends on ECX, in order (SDM vol. 2A, CPUID, and Intel's ISE for 24h and up; APM
// vol. 3, appendix E.4). Hypervisors' leaves (4000_0000h to 4FFF_FFFFh) are not in it.
std::span<const LeafShape> leaf_shapes() noexcept;

// The leaf's shape, or nullptr when it has no subleaves. Logarithmic.
const LeafShape* shape_of(std::uint32_t leaf) noexcept;

inline bool has_subleaves(std::uint32_t leaf) noexcept { return shape_of(leaf) != nullptr; }

// What subleaf 0 of a counted or bitmap leaf announces beside itself: sorted, all below most_subleaves.
struct AnnouncedSubleaves {
    std::vector<std::uint32_t> subleaves;
    bool cut = false;  // it announces more
};
AnnouncedSubleaves announced_subleaves(const LeafShape& shape, const Registers& first);

// The state components that subleaves 0 and 1 of leaf Dh announce, bit n for component n: EDX and EAX of subleaf 0
// are what XCR0 may hold, EDX and ECX of subleaf 1 what IA32_XSS may (SDM vol. 1, 13.2). Bits 0 and 1, x87 and SSE,
// have no subleaf.
constexpr std::uint64_t announced_components(const Registers& user, const Registers& flags) noexcept {
    return std::uint64_t{user.edx | flags.edx} << 32U | user.eax | flags.ecx;
}

// Which leaves a CPU has: the maximum leaf of each range of CPUID leaves.

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

// True for a leaf of the extended range in a table that has lost the row of its maximum, which every CPU with such
// leaves has: of a row that is there nothing says that it lies beyond.
bool is_of_unknown_maximum(const CpuidTable& table, std::uint32_t leaf) noexcept;

}  // namespace poolcpuid::dump
