// A dump that was taken where a hypervisor shows the CPU: inside a virtual machine, or in the host's own system on it.
#pragma once

#include <cstdint>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// True when the table says that a hypervisor is there: leaf 1 ECX[31], which CPUs leave 0 for it (SDM vol. 2A, CPUID;
// APM vol. 3, appendix E.3.2). A table that does not know the bit says nothing.
bool shows_hypervisor(const CpuidTable& cpuid) noexcept;

// Where the hardware view was taken. The root partition is the system of a host of Hyper-V, which runs on Hyper-V
// itself and manages the machine and its CPUs.
enum class TakenIn : std::uint8_t { host, root_partition, virtual_machine };

TakenIn taken_in(const HostDump& host) noexcept;

// Adds the note "virtual-machine" or "hyperv-root" where it was not taken on the bare host.
void note_virtual_machine(HostDump& host);

}  // namespace poolcpuid::dump
