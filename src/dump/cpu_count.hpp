// Whether a dump has as many logical CPUs as its processor counts: a text that was cut off between two CPUs is
// well-formed.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// Adds the note "cpus-missing" when the view has several logical CPUs, but fewer than one processor has by
// its topology leaves (1Fh, Bh; on AMD 80000008h). A dump of one CPU was meant to be that, but of a processor whose
// cores are of several types ("core-types-missing") it does not stand for the others. Neither is added where all that
// is missing are other threads of cores that are there. More than one processor cannot be told from the leaves. headed:
// the numbers of CPUs that the text heads and has no row of: one is missing even of a dump with one CPU, unless all
// that the processor counts are there. O(n log n) in the rows of a view with fewer CPUs than are counted, else linear
// in those of the first.
void note_missing_cpus(const HardwareView& view, const std::set<std::uint32_t>& headed, std::vector<DumpNote>& notes);

}  // namespace poolcpuid::dump
