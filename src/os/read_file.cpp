#include "os/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
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

}  // namespace

std::string read_all(int descriptor, const Watch& watch) {
    std::string bytes;
    std::array<char, piece> buffer{};
    while (true) {
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw ReadError(reason(errno));
        if (count == 0) return bytes;
        bytes.append(buffer.data(), static_cast<std::size_t>(count));
        watch(bytes);
    }
}

std::string read_path(const std::string& path, const Watch& watch) {
    const FileDescriptor file(path, O_RDONLY | O_NOCTTY);
    if (!file.is_open()) throw ReadError(reason(errno));
    return read_all(file.number(), watch);
}

std::string read_regular_file(const std::string& path, std::size_t most) {
    return read_regular_file(path, [most](std::string_view bytes) {
        if (bytes.size() > most) throw ReadError("more than " + std::to_string(most) + " bytes");
    });
}

std::string read_regular_file(const std::string& path, const Watch& watch) {
    try {
        // O_NONBLOCK: opening a pipe without a writer would wait for one. It changes nothing for a regular file.
        const FileDescriptor file(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        struct stat status {};
        if (!file.is_open() || ::fstat(file.number(), &status) != 0) throw ReadError(reason(errno));
        if (!S_ISREG(status.st_mode)) throw ReadError(kind_of(status.st_mode));
        return read_all(file.number(), watch);
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
