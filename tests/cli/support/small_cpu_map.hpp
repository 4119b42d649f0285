// libvirt's knowledge of CPU models, as far as a test needs it: without it, render asks the libvirt of the machine.
#pragma once

#include <string>

#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test {

// Writes a cpu_map with two AMD models and an Intel one, and returns its directory.
std::string cpu_map_in(const TemporaryDirectory& dir);

}  // namespace poolcpuid::test
