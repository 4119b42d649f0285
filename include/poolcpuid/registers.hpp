// What CPUID returns: the four registers, and the (leaf, subleaf) pair that asked for them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace poolcpuid {

// The output registers of the CPUID instruction, in the order in which every dump prints them.
enum class Register : std::uint8_t { eax, ebx, ecx, edx };

inline constexpr std::size_t register_count = 4;

inline constexpr std::array<Register, register_count> all_registers{Register::eax, Register::ebx, Register::ecx,
                                                                    Register::edx};

// "eax", "ebx", "ecx" or "edx".
constexpr const char* to_string(Register reg) noexcept {
    constexpr std::array<const char*, register_count> names{"eax", "ebx", "ecx", "edx"};
    return names[static_cast<std::size_t>(reg)];
}

// One execution of CPUID: the four 32-bit output registers.
struct Registers {
    std::uint32_t eax = 0;
    std::uint32_t ebx = 0;
    std::uint32_t ecx = 0;
    std::uint32_t edx = 0;

    constexpr std::uint32_t operator[](Register reg) const noexcept {
        switch (reg) {
            case Register::eax: return eax;
            case Register::ebx: return ebx;
            case Register::ecx: return ecx;
            case Register::edx: break;
        }
        return edx;
    }

    constexpr std::uint32_t& operator[](Register reg) noexcept {
        switch (reg) {
            case Register::eax: return eax;
            case Register::ebx: return ebx;
            case Register::ecx: return ecx;
            case Register::edx: break;
        }
        return edx;
    }

    // True when all four registers are zero: such a row says the same as no row.
    constexpr bool all_zero() const noexcept { return (eax | ebx | ecx | edx) == 0; }

    friend constexpr bool operator==(const Registers&, const Registers&) = default;
};

// The inputs of CPUID: EAX (leaf) and ECX (subleaf, 0 where the leaf has none).
struct LeafKey {
    std::uint32_t leaf = 0;
    std::uint32_t subleaf = 0;

    // Both as one number, by whose order keys are sorted.
    constexpr std::uint64_t number() const noexcept { return (std::uint64_t{leaf} << 32U) | subleaf; }

    friend constexpr bool operator==(const LeafKey&, const LeafKey&) = default;
    friend constexpr auto operator<=>(const LeafKey& a, const LeafKey& b) noexcept { return a.number() <=> b.number(); }
};

// The bits low to high of a register: high is at most 63, and low at most high.
constexpr std::uint64_t bit_mask(unsigned low, unsigned high) noexcept {
    return (~std::uint64_t{0} >> (63U - (high - low))) << low;
}

// The bits whose number is less than this one.
constexpr std::uint64_t bits_below(std::uint64_t number) noexcept {
    return number >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << number) - 1;
}

// Where bits stand: in a register of CPUID, or in an MSR.
struct BitPlace {
    bool is_msr = false;
    std::uint32_t leaf = 0;  // leaf, or MSR index
    std::uint32_t subleaf_first = 0;
    std::uint32_t subleaf_last = 0;
    Register reg = Register::eax;
    std::uint8_t low = 0;
    std::uint8_t high = 0;

    // The bits within their register or MSR.
    constexpr std::uint64_t mask() const noexcept { return bit_mask(low, high); }

    // Those bits of their register's value, shifted down.
    constexpr std::uint64_t part_of(std::uint64_t value) const noexcept { return (value & mask()) >> low; }

    friend auto operator<=>(const BitPlace&, const BitPlace&) = default;
};

// Where the vendor string is, and family, model and stepping (in EAX): the two leaves that say how to
// read all others (SDM vol. 2A, CPUID; APM vol. 3, appendix E.3.1 and E.3.2).
inline constexpr LeafKey vendor_key{0x0, 0x0};
inline constexpr LeafKey signature_key{0x1, 0x0};

// IA32_BIOS_SIGN_ID: the microcode revision (SDM vol. 4; AMD calls it Patch Level).
inline constexpr std::uint32_t microcode_msr = 0x8B;

// The ranges into which CPUID leaves fall; each has a "highest leaf" in EAX of its first leaf
// (SDM vol. 2A, CPUID; APM vol. 3, appendix E).
constexpr std::uint32_t range_of(std::uint32_t leaf) noexcept { return leaf & 0xFFFF0000U; }

inline constexpr std::uint32_t hypervisor_range = 0x40000000;  // never used by hardware (SDM vol. 2A, CPUID)
inline constexpr std::uint32_t extended_range = 0x80000000;
inline constexpr std::uint32_t transmeta_range = 0x80860000;
inline constexpr std::uint32_t centaur_range = 0xC0000000;

// No range has a quarter of so many leaves: a maximum that announces more is damaged, or made up, and is followed no
// further.
inline constexpr std::uint32_t most_leaves_of_range = 0x100;

}  // namespace poolcpuid
