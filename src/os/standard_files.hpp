// Standard input, output and error are open, whoever started the program.
#pragma once

namespace poolcpuid::os {

// Opens /dev/null in the place of each of the three that is closed: else the next file that is opened would take its
// number and be written or read in its place. False with errno set when that cannot be done.
bool open_standard_files() noexcept;

}  // namespace poolcpuid::os
