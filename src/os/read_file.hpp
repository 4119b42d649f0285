// Reading what others wrote: no more than a limit, and no waiting for what never comes.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "os/file_descriptor.hpp"

namespace poolcpuid::os {

// A file that cannot be read. what() is what was found instead: the system's reason, or what kind of thing it is.
class ReadError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Looks at what has been read so far and throws when it need not go on. Called after each piece.
using Watch = std::function<void(std::string_view bytes)>;

// A file that is read from its beginning to its end: also a device, a pipe, or standard input.
class InputFile {
public:
    // Opens what path names; "-" is standard input. Throws ReadError.
    static InputFile open(const std::string& path);

    // Appends the next bytes of the file to bytes: so many, or less at its end, which 0 tells. Returns how many.
    // Throws ReadError.
    std::size_t read_some(std::string& bytes, std::size_t most) const;

    // All that is left, watched. Throws ReadError and what watch throws.
    std::string read_all(const Watch& watch) const;

private:
    friend std::string read_regular_file(const std::string& path, const Watch& watch);
    explicit InputFile(FileDescriptor file) noexcept : file_(std::move(file)) {}

    FileDescriptor file_;
};

// All bytes of a regular file. Anything else is refused without waiting for it: a file that a directory lists was not
// chosen by the caller. Throws InputError, also for more than `most` bytes.
std::string read_regular_file(const std::string& path, std::size_t most);

// The same, watched. Throws what watch throws, of which ReadError becomes an InputError.
std::string read_regular_file(const std::string& path, const Watch& watch);

// The content of a small file that the kernel makes, without blanks and line feeds at its ends, or nothing when it
// cannot be read. Linear.
std::optional<std::string> read_text_file(const std::string& path);

}  // namespace poolcpuid::os
