#include "capture/cpuid_source.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <array>
#include <memory>

#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::capture {

Registers execute_cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
#if defined(__x86_64__) || defined(__i386__)
    Registers value;
    __cpuid_count(leaf, subleaf, value.eax, value.ebx, value.ecx, value.edx);
    return value;
#else
    throw SystemError("leaf " + std::to_string(leaf) + "." + std::to_string(subleaf) + ": this machine has no CPUID");
#endif
}

std::optional<CpuidSource> open_cpuid_device(const std::string& path) {
    const auto device = std::make_shared<os::FileDescriptor>(path, O_RDONLY);
    if (!device->is_open()) return std::nullopt;
    return [device, path](std::uint32_t leaf, std::uint32_t subleaf) {
        // The driver takes ECX from the upper half of the position (Linux, arch/x86/kernel/cpuid.c).
        const auto position = static_cast<off_t>(std::uint64_t{subleaf} << 32U | leaf);
        std::array<std::uint32_t, register_count> words{};
        const ssize_t count = ::pread(device->number(), words.data(), sizeof words, position);
        if (count != static_cast<ssize_t>(sizeof words)) {
            throw SystemError(path + ": cannot be read: " + (count < 0 ? os::reason(errno) : "it ends too early"));
        }
        return Registers{words[0], words[1], words[2], words[3]};
    };
}

}  // namespace poolcpuid::capture
