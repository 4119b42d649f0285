// A dump that was taken inside a virtual machine.
#pragma once

#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// True when the table says that its CPU is a virtual one: leaf 1 ECX[31], which CPUs leave 0 for hypervisors (SDM vol.
// 2A, CPUID; APM vol. 3, appendix E.3.2).
bool is_of_virtual_machine(const CpuidTable& cpuid) noexcept;

// Adds the note "virtual-machine" for such a table of a hardware view.
void note_virtual_machine(const CpuidTable& cpuid, std::vector<DumpNote>& notes);

}  // namespace poolcpuid::dump
