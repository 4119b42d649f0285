#include "os/file_target.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include "os/file_descriptor.hpp"

namespace poolcpuid::os {

namespace fs = std::filesystem;

namespace {

constexpr int most_links = 40;  // as many as Linux follows
constexpr mode_t permissions = 0777;

using Status = struct stat;

bool is_trusted(const Status& status) noexcept { return status.st_uid == ::geteuid() || status.st_uid == 0; }

// The number of the open file for which a link of /proc/self/fd stands.
std::optional<int> open_file(const fs::path& link) {
    struct statfs system {};
    Status directory{};
    Status own{};
    const std::string parent = directory_of(link);
    if (::statfs(parent.c_str(), &system) != 0 || system.f_type != PROC_SUPER_MAGIC) return std::nullopt;
    if (::stat(parent.c_str(), &directory) != 0 || ::stat("/proc/self/fd", &own) != 0) return std::nullopt;
    if (directory.st_dev != own.st_dev || directory.st_ino != own.st_ino) return std::nullopt;
    const std::string name = link.filename().string();
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

void check_link(const fs::path& link, const Status& status) {
    Status directory{};
    if (::stat(directory_of(link).c_str(), &directory) != 0) throw BadTarget(reason(errno));
    if (is_trusted(status) && is_trusted(directory)) return;
    throw BadTarget("the symbolic link " + link.string() + (is_trusted(status) ? " is in a directory" : " is") +
                    " of another user, who could make it lead anywhere");
}

fs::path step(const fs::path& link) {
    std::error_code error;
    const fs::path to = fs::read_symlink(link, error);
    if (error) throw BadTarget(error.message());
    return link.parent_path() / to;
}

FileTarget target_of(const fs::path& path, const Status& status) {
    const std::string name = path.string();
    switch (status.st_mode & S_IFMT) {
        case S_IFREG: {
            const bool is_own = status.st_uid == ::geteuid();
            return {FileTarget::Kind::regular, name, -1, is_own ? status.st_mode & permissions : 0};
        }
        case S_IFIFO:
        case S_IFCHR: return {FileTarget::Kind::stream, name, -1, 0};
        case S_IFDIR: throw BadTarget(reason(EISDIR));
        case S_IFBLK: throw BadTarget("it is a block device");
        case S_IFSOCK: throw BadTarget("it is a socket");
        default: break;
    }
    throw BadTarget("it is neither a file, a pipe nor a character device");
}

}  // namespace

std::string directory_of(const std::string& path) {
    const fs::path parent = fs::path(path).parent_path();
    return parent.empty() ? "." : parent.string();
}

FileTarget find_target(const std::string& path) {
    fs::path at = path;
    for (int links = 0; links <= most_links; ++links) {
        Status status{};
        if (::lstat(at.c_str(), &status) != 0) {
            if (errno != ENOENT) throw BadTarget(reason(errno));
            // The directory has to be there, else there is no place for a file.
            if (::stat(directory_of(at).c_str(), &status) != 0) throw BadTarget(reason(errno));
            if (at.filename().empty()) throw BadTarget(reason(EISDIR));
            return {FileTarget::Kind::absent, at.string(), -1, 0};
        }
        if (!S_ISLNK(status.st_mode)) return target_of(at, status);
        check_link(at, status);
        if (const auto number = open_file(at)) return {FileTarget::Kind::descriptor, {}, *number, 0};
        at = step(at);
    }
    throw BadTarget(reason(ELOOP));
}

}  // namespace poolcpuid::os
