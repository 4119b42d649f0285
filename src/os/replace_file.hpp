// A file that is replaced whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

namespace poolcpuid::os {

// How the names of files begin that are not whole yet. Such a file stays behind only where the process was killed by
// SIGKILL, and nothing reads it: a directory of hosts is read without the names that begin with a dot.
inline constexpr std::string_view unfinished_prefix = ".poolcpuid-";

// Writes all bytes to a descriptor. False with errno set when it cannot.
bool write_all(int descriptor, std::string_view bytes) noexcept;

// True when path is a regular file, and no link, with exactly these bytes. Linear in their number.
bool holds(const std::string& path, std::string_view bytes) noexcept;

// Puts a file with these bytes in the place of path, which is no link: readers see the old file or the new one. The new
// one has no name until it is whole where the file system can do that, else one that begins with unfinished_prefix; the
// signals that end a program are held back while such a name is there. Both the bytes and the name are on the disk when
// it returns, as far as the file system can tell. mode 0: as the caller's umask says.
// False with errno set when it cannot; then path is as it was.
bool replace_file(const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace poolcpuid::os
