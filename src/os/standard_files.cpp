#include "os/standard_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace poolcpuid::os {

bool open_standard_files() noexcept {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
        // The lowest number that is free is this one. For reading only: what is written to a closed output stays an
        // error.
        if (::open("/dev/null", O_RDONLY) != number) return false;
    }
    return true;
}

}  // namespace poolcpuid::os
