#include "kvm/refusal.hpp"

#include <cerrno>

#include "base/hex.hpp"
#include "os/file_descriptor.hpp"

namespace poolcpuid::kvm {

// Of the content of CPUID, Linux checks the two of which the hints speak (arch/x86/kvm/cpuid.c, kvm_check_cpuid).
std::string entries_refusal(int error) {
    std::string text = "KVM refuses it (" + os::reason(error) + ")";
    if (error == EINVAL) text += ": it takes only linear addresses of 48 or 57 bits";
    if (error == EPERM || error == EACCES || error == EOPNOTSUPP) {
        text += ": of the XSAVE state components it takes only those that the kernel lets guests use";
    }
    if (error == E2BIG) text += ": it takes fewer entries";
    return text + ".";
}

std::string msr_refusal(const RefusedMsr& msr) {
    const std::string text = "KVM refuses the value " + to_hex(msr.value, 16);
    if (!msr.supported) return text + ": it knows no such feature MSR here.";
    if (msr.faults) return text + ": a vCPU with this CPUID does not have the MSR at all.";
    if (!msr.takes_supported) return text + ", and for a vCPU with this CPUID what it supports otherwise, too.";
    return text + "; what it supports is " + to_hex(*msr.supported, 16) + ".";
}

}  // namespace poolcpuid::kvm
