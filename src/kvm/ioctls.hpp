// The ioctls of KVM whose structures end in an array: their numbers, and their structures as 32-bit words.
//
// The kernel's structures themselves (kvm_cpuid2, kvm_msr_list, kvm_msrs, kvm_signal_mask) are of no use
// here: some versions of its headers give them another size in C++ than in C, and so another number to
// the ioctls.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace poolcpuid::kvm {

// kvm_cpuid2 or kvm_msr_list: the number of entries, perhaps padding, and the entries.
using Words = std::vector<std::uint32_t>;
inline constexpr std::size_t word = sizeof(std::uint32_t);
inline constexpr std::size_t cpuid_head = 2;
inline constexpr std::size_t cpuid_entry = sizeof(kvm_cpuid_entry2) / word;
inline constexpr std::size_t msr_list_head = 1;

// kvm_msrs with one entry.
struct OneMsr {
    std::uint32_t count = 1;
    std::uint32_t padding = 0;
    kvm_msr_entry entry{};
};

// kvm_signal_mask with the set of signals as the kernel has it.
struct SignalMask {
    std::uint32_t bytes = sizeof(std::uint64_t);
    std::uint32_t signals_low = 0;  // not std::uint64_t: nothing may stand between the two
    std::uint32_t signals_high = 0;
};

// The number of an ioctl that takes a structure of so many bytes, entries left aside.
constexpr unsigned long sized(unsigned long request, std::size_t bytes) noexcept {
    return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), bytes);
}

inline constexpr unsigned long get_supported_cpuid = sized(KVM_GET_SUPPORTED_CPUID, cpuid_head* word);
inline constexpr unsigned long set_cpuid = sized(KVM_SET_CPUID2, cpuid_head* word);
inline constexpr unsigned long get_msr_list = sized(KVM_GET_MSR_FEATURE_INDEX_LIST, msr_list_head* word);
inline constexpr unsigned long get_msrs = sized(KVM_GET_MSRS, offsetof(OneMsr, entry));
inline constexpr unsigned long set_msrs = sized(KVM_SET_MSRS, offsetof(OneMsr, entry));
inline constexpr unsigned long set_signal_mask = sized(KVM_SET_SIGNAL_MASK, offsetof(SignalMask, signals_low));

}  // namespace poolcpuid::kvm
