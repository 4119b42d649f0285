// Logs of VMs, which have the host's rows and those of the guest.
#pragma once

#include <cstddef>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// Adds the note "guest-rows" with the number of rows of the guest that were left out, unless that is 0: what a guest
// was given is not what the host's hypervisor can give.
void note_guest_rows(std::size_t count, std::vector<DumpNote>& notes);

}  // namespace poolcpuid::dump
