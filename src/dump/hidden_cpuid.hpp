// What settings of a host hide from its own CPUID.
//
// The firmware can make CPUID deny what the CPU has, for the sake of old systems, and says so in an MSR (`hides` of the
// rulebook; IA32_MISC_ENABLE, SDM vol. 4). What a dump with such a setting denies is not known, for the host may be run
// without it: Linux clears them when it boots.
#pragma once

#include <optional>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::dump {

// The table with what is hidden marked as unknown, or nothing where nothing is hidden. msrs are those of its view.
// Linear in the fields of the rulebook.
std::optional<CpuidTable> with_hidden_unknown(const Rulebook& rulebook, const CpuidTable& table,
                                              const std::optional<std::vector<MsrRow>>& msrs);

// Adds the note "cpuid-hidden" for each setting that hides something of the hardware view.
void note_hidden(HostDump& host);

}  // namespace poolcpuid::dump
