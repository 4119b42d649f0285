// What the name of an output leads to, decided by the kind of file that is there and never by the name.
#pragma once

#include <stdexcept>
#include <string>

#include <sys/types.h>

namespace poolcpuid::os {

// A name that leads to nothing that may be written. what() is the reason, without the name.
class BadTarget : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct FileTarget {
    enum class Kind {
        absent,      // nothing yet: a file can be made
        regular,     // a file that can be replaced
        stream,      // a pipe, a terminal, /dev/null: written to as it stands
        descriptor,  // an open file of this process, as /dev/stdout is: written at its own place
    };
    Kind kind = Kind::absent;
    std::string path;     // with the links of its last name followed; empty for a descriptor
    int descriptor = -1;  // of a descriptor
    mode_t mode = 0;      // of a regular file that is the caller's own: its permissions; else 0
};

// Follows the links that the last name of path is, one by one. A link counts only where it and its directory belong to
// the caller or to root: a program that may write everywhere must not be sent anywhere by a link in /tmp (Linux has
// fs.protected_symlinks for that, which a program that replaces files goes past). Throws BadTarget for such a link, for
// a chain of more than 40, for a directory, a socket or a block device, and where the system does not say what is
// there.
FileTarget find_target(const std::string& path);

// The directory in which the last name of path stands: "." for a name alone.
std::string directory_of(const std::string& path);

}  // namespace poolcpuid::os
