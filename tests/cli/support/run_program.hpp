// Runs the program as a user does, without a shell, and keeps all that it said.
#pragma once

#include <string>
#include <vector>

namespace poolcpuid::test {

struct Result {
    int status = -1;  // the exit status; 128 and the signal when it was killed
    std::string out;
    std::string err;

    // For INFO: everything at a glance.
    std::string text() const;
};

struct Surroundings {
    std::string input{};                     // standard input
    std::string directory{};                 // the working directory; empty: the test's own
    std::string output{};                    // a file for standard output instead of Result::out
    bool terminal = false;                   // standard output is a terminal
    bool error_terminal = false;             // standard error is one; not both
    std::vector<std::string> environment{};  // "NAME=VALUE", on top of the test's own
    std::vector<std::string> launcher{};     // a command that is given the program and its arguments, found in PATH
};

// Runs poolcpuid, or what POOLCPUID_PROGRAM of the environment names, with these arguments and waits for it. COLUMNS
// and NO_COLOR of the test's own environment are not passed on. Throws std::runtime_error when it cannot be started.
Result run(const std::vector<std::string>& arguments, const Surroundings& surroundings = {});

}  // namespace poolcpuid::test
