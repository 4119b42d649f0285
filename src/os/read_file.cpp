#include "os/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>

#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::os {

namespace {

constexpr std::size_t piece = std::size_t{1} << 16;

const char* kind_of(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFDIR: return "a directory";
        case S_IFIFO: return "a pipe";
        case S_IFSOCK: return "a socket";
        case S_IFCHR:
        case S_IFBLK: return "a device";
        default: break;
    }
    return "something of an unknown kind";
}

// What a regular file has, up to a bound: it is the kernel's word for what another may be writing. 0 of all else.
std::size_t size_of(int descriptor) noexcept {
    constexpr off_t most = off_t{1} << 26;
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    return static_cast<std::size_t>(std::clamp(status.st_size, off_t{0}, most));
}

}  // namespace

InputFile InputFile::open(const std::string& path) {
    FileDescriptor file = path == "-" ? FileDescriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0))
                                      : FileDescriptor(path, O_RDONLY | O_NOCTTY);
    if (!file.is_open()) throw ReadError(reason(errno));
    return InputFile(std::move(file));
}

std::size_t InputFile::read_some(std::string& bytes, std::size_t most) const {
    const std::size_t before = bytes.size();
    bytes.resize(before + most);
    std::size_t used = before;
    while (used < bytes.size()) {
        const ssize_t count = ::read(file_.number(), bytes.data() + used, bytes.size() - used);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw ReadError(reason(errno));
        if (count == 0) break;
        used += static_cast<std::size_t>(count);
    }
    bytes.resize(used);
    return used - before;
}

std::string InputFile::read_all(const Watch& watch) const {
    std::string bytes;
    // A regular file says how large it is; one more byte than that tells its end.
    for (std::size_t most = size_of(file_.number()) + 1; read_some(bytes, most) == most; most = piece) watch(bytes);
    watch(bytes);
    return bytes;
}

std::string read_regular_file(const std::string& path, std::size_t most) {
    return read_regular_file(path, [most](std::string_view bytes) {
        if (bytes.size() > most) throw ReadError("more than " + std::to_string(most) + " bytes");
    });
}

std::string read_regular_file(const std::string& path, const Watch& watch) {
    try {
        // O_NONBLOCK: opening a pipe without a writer would wait for one. It changes nothing for a regular file.
        FileDescriptor file(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        struct stat status {};
        if (!file.is_open() || ::fstat(file.number(), &status) != 0) throw ReadError(reason(errno));
        if (!S_ISREG(status.st_mode)) throw ReadError(kind_of(status.st_mode));
        return InputFile(std::move(file)).read_all(watch);
    } catch (const ReadError& error) {
        throw InputError(path, 0, "a regular file", error.what());
    }
}

std::optional<std::string> read_text_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file.bad()) return std::nullopt;
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string::npos) return std::string();
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace poolcpuid::os
