// The ways in which a call of the library can fail. Each maps to one exit status of the program.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace poolcpuid {

// Input that cannot be read or is malformed (exit status 3). what() reads
// "FILE:LINE: expected EXPECTED, found FOUND"; without ":LINE" where the whole file is meant.
class InputError : public std::runtime_error {
public:
    // line counts from 1; 0 means that no single line is at fault.
    InputError(std::string file, std::size_t line, std::string expected, std::string found);

    const std::string& file() const noexcept { return file_; }
    std::size_t line() const noexcept { return line_; }
    const std::string& expected() const noexcept { return expected_; }
    const std::string& found() const noexcept { return found_; }

private:
    std::string file_;
    std::size_t line_;
    std::string expected_;
    std::string found_;
};

// A request that makes no sense for the inputs, such as an unknown field id (exit status 2).
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// No policy exists that is true on every host (exit status 4). what() is the reason.
class NoPolicyError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// This machine does not give what was asked of it (exit status 5). what() says what and why.
class SystemError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace poolcpuid
