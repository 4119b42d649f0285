#include "kvm/device.hpp"

#include <asm/prctl.h>
#include <sys/syscall.h>

#include <cerrno>

#include "kvm/ioctls.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::kvm {

namespace {

std::string advice(int open_error) {
    if (open_error == EACCES || open_error == EPERM) return " Run as root, or as a member of the group kvm.";
    if (open_error != ENOENT && open_error != ENODEV && open_error != ENXIO) return {};
    return " Load kvm_intel or kvm_amd, with virtualization enabled in the firmware (in a virtual machine: nested "
           "virtualization, on its host).";
}

// What the process may let guests use, of XCR0; nothing on kernels that ask for no permission.
std::optional<std::uint64_t> permitted_components() {
    std::uint64_t components = 0;
    if (::syscall(SYS_arch_prctl, ARCH_GET_XCOMP_GUEST_PERM, &components) != 0) return std::nullopt;
    return components;
}

}  // namespace

Device::Device(const std::string& path) : path_(path), device_(path, O_RDWR) {
    const int open_error = errno;
    if (!device_.is_open()) {
        throw SystemError(path + " cannot be opened (" + os::reason(open_error) + ")." + advice(open_error));
    }
    const int version = ::ioctl(number(), KVM_GET_API_VERSION, 0);
    if (version < 0) throw SystemError(path + " is not KVM (" + os::reason(errno) + ").");
    if (version != KVM_API_VERSION) {
        throw SystemError(path + " has the API version " + std::to_string(version) + ", not " +
                          std::to_string(KVM_API_VERSION) + ".");
    }
}

std::optional<std::uint64_t> Device::feature_msr(std::uint32_t index) const {
    OneMsr msr;
    msr.entry.index = index;
    if (::ioctl(number(), get_msrs, &msr) != 1) return std::nullopt;
    return msr.entry.data;
}

std::uint64_t Device::ask_for_components() const {
    std::uint64_t supported = 0;
    kvm_device_attr attribute{};
    attribute.attr = KVM_X86_XCOMP_GUEST_SUPP;
    attribute.addr = reinterpret_cast<std::uintptr_t>(&supported);
    const std::optional<std::uint64_t> before = permitted_components();
    if (!before || ::ioctl(number(), KVM_GET_DEVICE_ATTR, &attribute) != 0) return 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
        if ((supported & ~*before) >> bit & 1U) ::syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, bit);
    }
    return supported & ~permitted_components().value_or(*before);
}

}  // namespace poolcpuid::kvm
