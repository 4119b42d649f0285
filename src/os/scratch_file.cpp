#include "os/scratch_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "os/replace_file.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::os {

namespace {

// A file that has no name. -1 where there is none to be had.
int open_nameless() {
    std::error_code error;
    const std::string folder = std::filesystem::temp_directory_path(error).string();
    if (error) return -1;
    // O_EXCL: nor can it be given one.
    const int nameless = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (nameless >= 0) return nameless;
    // Some file systems have no nameless files. Killed between the two calls, the process leaves an empty one.
    std::string name = folder + "/" + std::string(unfinished_prefix) + "XXXXXX";
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) ::unlink(name.c_str());
    return named;
}

// Asked first, for a write beyond the limit sends SIGXFSZ, which would end a program that does not expect it.
bool may_grow_to(std::uint64_t size) noexcept {
    struct rlimit limit {};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && size <= limit.rlim_cur;
}

// How many of the bytes were written.
std::size_t write_at(int file, std::uint64_t place, std::string_view bytes) noexcept {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const std::string_view left = bytes.substr(done);
        const ssize_t count = ::pwrite(file, left.data(), left.size(), static_cast<off_t>(place + done));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

void read_at(int file, std::uint64_t place, char* to, std::size_t count) {
    while (count > 0) {
        const ssize_t got = ::pread(file, to, count, static_cast<off_t>(place));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            throw SystemError("what was put aside in a temporary file cannot be read back: " +
                              (got < 0 ? reason(errno) : "the file is shorter than it was written"));
        }
        to += got;
        place += static_cast<std::uint64_t>(got);
        count -= static_cast<std::size_t>(got);
    }
}

}  // namespace

ScratchFile::ScratchFile() : file_(open_nameless()) {}

void ScratchFile::append(std::string_view bytes) {
    if (file_.is_open() && rest_.empty() && may_grow_to(in_file_ + bytes.size())) {
        const std::size_t done = write_at(file_.number(), in_file_, bytes);
        in_file_ += done;
        bytes.remove_prefix(done);
    }
    rest_ += bytes;
}

std::string ScratchFile::read(std::uint64_t place, std::size_t count) const {
    std::string bytes(count, '\0');
    const std::uint64_t of_file = place < in_file_ ? in_file_ - place : 0;
    const auto from_file = static_cast<std::size_t>(std::min<std::uint64_t>(count, of_file));
    read_at(file_.number(), place, bytes.data(), from_file);
    if (from_file == count) return bytes;
    rest_.copy(bytes.data() + from_file, count - from_file, static_cast<std::size_t>(place + from_file - in_file_));
    return bytes;
}

}  // namespace poolcpuid::os
