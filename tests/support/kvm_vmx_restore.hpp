// What KVM does when a VMM restores a vCPU's VMX capability MSRs, restated from Linux 6.12: which values it refuses,
// and which MSRs it makes itself. A policy that is to be true on a host must pass, so this is an oracle for merged
// MSRs.
//
// Of arch/x86/kvm/vmx/nested.c unless said otherwise; each rule names its function. Bit 56 of VMX_BASIC and CET came
// with later patches. Left out: writes while the vCPU is in VMX operation are refused whatever the value
// (vmx_set_vmx_msr), and so are all where CPUID has no VMX (vmx.c, vmx_set_msr).
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::test {

// By index. An MSR that the host lacks is not in the map, and allows nothing.
struct VmxMsrs {
    std::map<std::uint32_t, std::uint64_t> value;

    std::uint64_t operator[](std::uint32_t index) const {
        const auto at = value.find(index);
        return at == value.end() ? 0 : at->second;
    }
};

namespace kvm_vmx {

inline constexpr std::uint32_t basic = 0x480;
inline constexpr std::uint32_t pinbased = 0x481;
inline constexpr std::uint32_t procbased = 0x482;
inline constexpr std::uint32_t exit = 0x483;
inline constexpr std::uint32_t entry = 0x484;
inline constexpr std::uint32_t misc = 0x485;
inline constexpr std::uint32_t cr0_fixed0 = 0x486;
inline constexpr std::uint32_t cr0_fixed1 = 0x487;
inline constexpr std::uint32_t cr4_fixed0 = 0x488;
inline constexpr std::uint32_t cr4_fixed1 = 0x489;
inline constexpr std::uint32_t vmcs_enum = 0x48A;
inline constexpr std::uint32_t procbased2 = 0x48B;
inline constexpr std::uint32_t ept_vpid_cap = 0x48C;
inline constexpr std::uint32_t true_pinbased = 0x48D;
inline constexpr std::uint32_t true_procbased = 0x48E;
inline constexpr std::uint32_t true_exit = 0x48F;
inline constexpr std::uint32_t true_entry = 0x490;
inline constexpr std::uint32_t vmfunc = 0x491;

inline constexpr std::uint64_t low_half = 0xFFFFFFFFU;
inline constexpr std::uint64_t preemption_timer = std::uint64_t{1} << (32 + 6);  // in the TRUE pin-based controls

// Bits high to low of a value, shifted down.
constexpr std::uint64_t bits(std::uint64_t value, unsigned high, unsigned low) noexcept {
    return (value >> low) & ((std::uint64_t{2} << (high - low)) - 1);
}

inline std::string hex(std::uint64_t value) {
    std::ostringstream out;
    out << std::hex << value << "h";
    return out.str();
}

class Restore {
public:
    Restore(const VmxMsrs& host, const VmxMsrs& restored) : host_(host), restored_(restored) {}

    std::vector<std::string> run() {
        for (const auto& [index, value] : restored_.value) check(index, value);
        return std::move(refusals_);
    }

private:
    void refuse(std::uint32_t index, const std::string& why) {
        refusals_.push_back("MSR " + hex(index) + ": " + why + ".");
    }

    // vmx_set_vmx_msr: which MSR is checked how.
    void check(std::uint32_t index, std::uint64_t value) {
        switch (index) {
            case basic: return check_basic(value);
            case pinbased:
            case procbased:
            case exit:
            case entry: return refuse(index, "KVM makes it from the TRUE controls");
            case misc: return check_misc(value);
            case cr0_fixed0:
            case cr4_fixed0: return check_fixed0(index, value);
            case cr0_fixed1:
            case cr4_fixed1: return refuse(index, "KVM makes it from CPUID");
            case vmcs_enum: return;  // taken as it is
            case procbased2:
            case true_pinbased:
            case true_procbased:
            case true_exit:
            case true_entry: return check_control(index, value);
            case ept_vpid_cap: return check_features(index, value, ~std::uint64_t{0});
            case vmfunc: return check_features(index, value, ~std::uint64_t{0});
            default: return refuse(index, "KVM has no such MSR");
        }
    }

    // A set bit that the host does not have.
    void check_features(std::uint32_t index, std::uint64_t value, std::uint64_t features) {
        const std::uint64_t missing = value & features & ~host_[index];
        if (missing != 0) refuse(index, "the host lacks the bits " + hex(missing));
    }

    // vmx_restore_vmx_basic. The memory type is not looked at.
    void check_basic(std::uint64_t value) {
        constexpr std::uint64_t narrow_addresses = std::uint64_t{1} << 48;
        constexpr std::uint64_t features = 0x01C2'0000'0000'0000U;  // 49, 54 to 56
        constexpr std::uint64_t reserved = 0xFE00'E000'8000'0000U;  // 31, 45 to 47, 57 to 63
        check_features(basic, value, features | reserved);
        if ((value & narrow_addresses) != 0) refuse(basic, "VMX structures are not kept below 4 GiB");
        if (bits(value, 30, 0) != bits(host_[basic], 30, 0)) refuse(basic, "another VMCS revision");
        if (bits(value, 44, 32) < bits(host_[basic], 44, 32)) refuse(basic, "a VMCS smaller than the host's");
    }

    // vmx_restore_vmx_misc. Whether the timer may be used is asked of what was restored before; QEMU restores the
    // controls before this MSR (target/i386/kvm/kvm.c, kvm_msr_entry_add_vmx), and so does this.
    void check_misc(std::uint64_t value) {
        constexpr std::uint64_t features = 0x7000'C1E0U;  // 5 to 8, 14, 15, 28 to 30
        constexpr std::uint64_t reserved = 0x8000'3E00U;  // 9 to 13, 31
        check_features(misc, value, features | reserved);
        const auto controls = restored_.value.find(true_pinbased);
        const std::uint64_t pin = controls == restored_.value.end() ? host_[true_pinbased] : controls->second;
        if ((pin & preemption_timer) != 0 && bits(value, 4, 0) != bits(host_[misc], 4, 0)) {
            refuse(misc, "another rate of the preemption timer");
        }
        if (bits(value, 24, 16) > bits(host_[misc], 24, 16)) refuse(misc, "more CR3 targets than the host has");
        if (bits(value, 27, 25) > bits(host_[misc], 27, 25)) refuse(misc, "longer MSR lists than the host takes");
        if (bits(value, 63, 32) != bits(host_[misc], 63, 32)) refuse(misc, "another MSEG revision");
    }

    // vmx_restore_control_msr: what must be 1 on the host must be so in the guest, what may not be 1 neither.
    void check_control(std::uint32_t index, std::uint64_t value) {
        const std::uint64_t forgotten = host_[index] & ~value & low_half;
        const std::uint64_t invented = (value & ~host_[index]) >> 32;
        if (forgotten != 0) refuse(index, "controls that must be 1 on the host need not be: " + hex(forgotten));
        if (invented != 0) refuse(index, "controls may be 1 that the host does not allow: " + hex(invented));
    }

    // vmx_restore_fixed0_msr
    void check_fixed0(std::uint32_t index, std::uint64_t value) {
        const std::uint64_t forgotten = host_[index] & ~value;
        if (forgotten != 0) refuse(index, "bits that must be 1 on the host need not be: " + hex(forgotten));
    }

    const VmxMsrs& host_;
    const VmxMsrs& restored_;
    std::vector<std::string> refusals_;
};

}  // namespace kvm_vmx

// A sentence for each reason for which KVM on this host refuses to restore these MSRs; none when it takes them all.
// supported_by_host is what KVM offers there to nested hypervisors (vmcs_config.nested, KVM_GET_MSRS on /dev/kvm).
inline std::vector<std::string> kvm_refuses(const VmxMsrs& supported_by_host, const VmxMsrs& restored) {
    return kvm_vmx::Restore(supported_by_host, restored).run();
}

// The value of an MSR that KVM makes from those that were restored. CR4_FIXED1 is made from CPUID, see below.
inline std::uint64_t kvm_makes(std::uint32_t index, const VmxMsrs& restored) {
    // vmx_get_vmx_msr, with the constants of arch/x86/include/asm/vmx.h.
    switch (index) {
        case kvm_vmx::pinbased: return restored[kvm_vmx::true_pinbased] | 0x16;
        case kvm_vmx::procbased: return restored[kvm_vmx::true_procbased] | 0x0401E172;
        case kvm_vmx::exit: return restored[kvm_vmx::true_exit] | 0x36DFF;
        case kvm_vmx::entry: return restored[kvm_vmx::true_entry] | 0x11FF;
        case kvm_vmx::cr0_fixed1: return kvm_vmx::low_half;  // vmx.c, nested_vmx_cr_fixed1_bits_update
        default: throw std::logic_error("KVM does not make MSR " + kvm_vmx::hex(index) + " from other MSRs");
    }
}

// vmx.c, nested_vmx_cr_fixed1_bits_update: CR4_FIXED1 of a guest with this CPUID.
inline std::uint64_t kvm_makes_cr4_fixed1(const CpuidTable& cpuid) {
    struct Source {
        LeafKey key;
        Register reg;
        unsigned bit;
        std::uint64_t cr4;
    };
    static const std::vector<Source> sources{
        {{0x1, 0}, Register::edx, 1, 0x3},          // VME: VME, PVI
        {{0x1, 0}, Register::edx, 4, 0x4},          // TSC: TSD
        {{0x1, 0}, Register::edx, 2, 0x8},          // DE
        {{0x1, 0}, Register::edx, 3, 0x10},         // PSE
        {{0x1, 0}, Register::edx, 6, 0x20},         // PAE
        {{0x1, 0}, Register::edx, 7, 0x40},         // MCE
        {{0x1, 0}, Register::edx, 13, 0x80},        // PGE
        {{0x1, 0}, Register::edx, 24, 0x200},       // FXSR: OSFXSR
        {{0x1, 0}, Register::edx, 25, 0x400},       // SSE: OSXMMEXCPT
        {{0x1, 0}, Register::ecx, 5, 0x2000},       // VMX: VMXE
        {{0x1, 0}, Register::ecx, 6, 0x4000},       // SMX: SMXE
        {{0x1, 0}, Register::ecx, 17, 0x20000},     // PCID
        {{0x1, 0}, Register::ecx, 26, 0x40000},     // XSAVE: OSXSAVE
        {{0x7, 0}, Register::ebx, 0, 0x10000},      // FSGSBASE
        {{0x7, 0}, Register::ebx, 7, 0x100000},     // SMEP
        {{0x7, 0}, Register::ebx, 20, 0x200000},    // SMAP
        {{0x7, 0}, Register::ecx, 3, 0x400000},     // PKU: PKE
        {{0x7, 0}, Register::ecx, 2, 0x800},        // UMIP
        {{0x7, 0}, Register::ecx, 16, 0x1000},      // LA57
        {{0x7, 0}, Register::ecx, 7, 0x800000},     // shadow stacks: CET
        {{0x7, 0}, Register::edx, 20, 0x800000},    // indirect-branch tracking: CET
        {{0x7, 1}, Register::eax, 26, 0x10000000},  // LAM: LAM_SUP
    };
    std::uint64_t value = 0x100;  // PCE, always
    for (const Source& source : sources) {
        const Registers* const row = cpuid.find(source.key);
        if (row != nullptr && (((*row)[source.reg] >> source.bit) & 1U) != 0) value |= source.cr4;
    }
    return value;
}

}  // namespace poolcpuid::test
