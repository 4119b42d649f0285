// What a dump should have had: marks as unknown what the CPU announces and the dump does not say.
//
// "Absent" means zero in one format and "not in this format" in another. A reader calls this once it
// has a table; from then on a row that is neither present nor unknown reads as zeros in every format.
#pragma once

#include <string>
#include <vector>

#include "dump/reader.hpp"
#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

// Fills table.unknown for a table that was read from a dump of the given format:
//   - leaves up to the maximum of their range that have no row, where the format lists zeros;
//   - leaves that have rows, but none of subleaf 0: what of them has no row;
//   - subleaves that subleaf 0 announces (leaf_shapes.hpp) and that have no row, where the format lists
//     zeros or cannot express them;
//   - lists of subleaves of which the format has no place for any but the first;
//   - XSAVE components that are announced but have size 0: such a row is no fact and is removed.
// Tables of a format without habits are left as they are: that document states itself what is unknown.
// Returns true when the end of a range is missing although the format lists it: the dump was cut off.
// O(n log n) in the number of rows and announced rows; at most a few hundred rows are marked.
bool mark_unknown(CpuidTable& table, const Format& format);

// The same for a table with habits of its own: that of a view which is written otherwise than the format's first one.
bool mark_unknown(CpuidTable& table, const Habits& habits);

// Adds the note "truncated" that names the logical CPUs that were cut off, unless there are none.
void note_truncated(const std::vector<std::string>& cut, std::vector<DumpNote>& notes);

}  // namespace poolcpuid::dump
