// A dump that was taken inside a virtual machine.
#pragma once

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// True when the table says that a hypervisor is there: leaf 1 ECX[31], which CPUs leave 0 for it (SDM vol. 2A, CPUID;
// APM vol. 3, appendix E.3.2). A table that does not know the bit says nothing.
bool shows_hypervisor(const CpuidTable& cpuid) noexcept;

// True when the hardware view is that of a virtual CPU.
bool is_virtual_machine(const HostDump& host) noexcept;

// Adds the note "virtual-machine" to such a host.
void note_virtual_machine(HostDump& host);

}  // namespace poolcpuid::dump
