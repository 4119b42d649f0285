// /dev/kvm, opened, with what can be asked of it before there is a VM.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "os/file_descriptor.hpp"

namespace poolcpuid::kvm {

class Device {
public:
    // Opens path. Throws SystemError, one sentence that names path, says why, and what helps, when it
    // cannot be opened or is not KVM with the API of which the kernel's headers speak (12, for ever).
    explicit Device(const std::string& path);

    int number() const noexcept { return device_.number(); }
    const std::string& path() const noexcept { return path_; }

    // The value of a feature MSR that KVM can give to guests; nothing when it knows no such one.
    std::optional<std::uint64_t> feature_msr(std::uint32_t index) const;

    // Asks the kernel for the permission to let guests use every XSAVE state component that KVM can give
    // them (AMX), for the life of the process, as every VMM that offers them has to: without it KVM hides
    // them. Returns the components that were refused, a bit each of XCR0.
    std::uint64_t ask_for_components() const;

private:
    std::string path_;
    os::FileDescriptor device_;
};

}  // namespace poolcpuid::kvm
