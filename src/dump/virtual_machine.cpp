#include "dump/virtual_machine.hpp"

#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

bool is_of_virtual_machine(const CpuidTable& cpuid) noexcept {
    const Registers* features = cpuid.find(signature_key);
    return features != nullptr && (features->ecx >> 31U) != 0;
}

void note_virtual_machine(const CpuidTable& cpuid, std::vector<DumpNote>& notes) {
    if (!is_of_virtual_machine(cpuid)) return;
    notes.push_back({"virtual-machine",
                     "CPUID says that this is a virtual machine (leaf 1 ECX[31]): the hardware view is what its "
                     "hypervisor shows it, not the silicon."});
}

}  // namespace poolcpuid::dump
