// The microcode revision of a host, and how its dump says it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// The revision that IA32_BIOS_SIGN_ID shows among msrs of a CPU of this vendor string, or nothing. Logarithmic.
std::optional<std::uint32_t> revision_in(const std::vector<MsrRow>& msrs, std::string_view vendor) noexcept;

// What the words of a dump say of its logical CPUs' revisions: the one is the host's. A host whose CPUs have several
// has none of which one could say what it does: it gets the note "cpus-differ".
void put_revisions(const std::set<std::string>& revisions, HostDump& host);

// Adds the note "microcode-unknown" to a host whose meta data have a revision in a spelling that is not read, or
// another one than IA32_BIOS_SIGN_ID has.
void note_revision(HostDump& host);

}  // namespace poolcpuid::dump
