// Runs a part of the program in the test's own process, where it can be given what is not of this machine.
#pragma once

#include <functional>

#include "cli/commands.hpp"
#include "tests/cli/support/run_program.hpp"

namespace poolcpuid::test {

// What a verb printed and how it ended. No terminal; what the verb throws is thrown on.
Result run_here(const std::function<cli::ExitStatus()>& verb);

}  // namespace poolcpuid::test
