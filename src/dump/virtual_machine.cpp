#include "dump/virtual_machine.hpp"

#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

void note_virtual_machine(const CpuidTable& cpuid, std::vector<DumpNote>& notes) {
    const Registers* features = cpuid.find(signature_key);
    if (features == nullptr || (features->ecx >> 31U) == 0) return;
    notes.push_back({"virtual-machine",
                     "CPUID says that this is a virtual machine (leaf 1 ECX[31]): the hardware view is what its "
                     "hypervisor shows it, not the silicon."});
}

}  // namespace poolcpuid::dump
