#include "dump/virtual_machine.hpp"

#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

bool shows_hypervisor(const CpuidTable& cpuid) noexcept {
    const Registers* features = cpuid.find(signature_key);
    return features != nullptr && (features->ecx >> 31U) != 0;
}

bool is_virtual_machine(const HostDump& host) noexcept {
    return host.hardware && shows_hypervisor(host.hardware->cpus.front().cpuid);
}

void note_virtual_machine(HostDump& host) {
    if (!is_virtual_machine(host)) return;
    host.notes.push_back({"virtual-machine",
                          "CPUID says that this is a virtual machine (leaf 1 ECX[31]): the hardware view is what its "
                          "hypervisor shows it, not the silicon."});
}

}  // namespace poolcpuid::dump
