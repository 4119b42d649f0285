// Why KVM refuses what a vCPU is given, in sentences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace poolcpuid::kvm {

// Of a list of CPUID entries: error is that of KVM_SET_CPUID2.
std::string entries_refusal(int error);

// An MSR whose value KVM refuses, and what the same vCPU makes of it otherwise.
struct RefusedMsr {
    std::uint64_t value = 0;
    std::optional<std::uint64_t> supported;  // by KVM on this machine; nothing: it knows no such feature MSR
    bool takes_supported = false;            // the vCPU can be given that value
    bool faults = false;                     // RDMSR in the guest
};

// Names another value only where the vCPU takes it.
std::string msr_refusal(const RefusedMsr& msr);

}  // namespace poolcpuid::kvm
