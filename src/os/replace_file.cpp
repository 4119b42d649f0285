#include "os/replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "os/file_descriptor.hpp"
#include "os/file_target.hpp"

namespace poolcpuid::os {

namespace {

// Holds back the signals that would end the program between a name and its removal.
class HeldSignals {
public:
    HeldSignals() noexcept {
        sigset_t ending;
        sigemptyset(&ending);
        for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ, SIGXCPU}) sigaddset(&ending, number);
        pthread_sigmask(SIG_BLOCK, &ending, &before_);
    }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;
    ~HeldSignals() {
        const int error = errno;
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = error;
    }

private:
    sigset_t before_{};
};

// The mode that open() would have given a new file.
mode_t new_file_mode() noexcept {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return static_cast<mode_t>(0666) & ~mask;
}

bool fill(int descriptor, std::string_view bytes, mode_t mode) noexcept {
    return ::fchmod(descriptor, mode) == 0 && write_all(descriptor, bytes) && ::fsync(descriptor) == 0;
}

// Has the system write down the directory's names, so that a power cut does not bring the old file back, or none. No
// error: the file is in its place by now, and some file systems know no such wish or let nobody open a directory.
void keep_names_of(const std::string& directory) noexcept {
    const FileDescriptor names(directory, O_RDONLY | O_DIRECTORY);
    if (names.is_open()) ::fsync(names.number());
}

// A file beside the target that bears an unfinished name, and loses it unless it took the target's place.
class Unfinished {
public:
    explicit Unfinished(const std::string& directory)
        : name_(directory + "/" + std::string(unfinished_prefix) + "XXXXXX"), file_(::mkstemp(name_.data())) {
        has_name_ = file_.is_open();
        if (has_name_) ::fcntl(file_.number(), F_SETFD, FD_CLOEXEC);
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    ~Unfinished() {
        const int error = errno;
        if (has_name_) ::unlink(name_.c_str());
        errno = error;
    }

    bool is_open() const noexcept { return file_.is_open(); }
    int number() const noexcept { return file_.number(); }
    const std::string& name() const noexcept { return name_; }

    bool take_place_of(const std::string& target) noexcept {
        if (::rename(name_.c_str(), target.c_str()) != 0) return false;
        has_name_ = false;
        keep_names_of(directory_of(target));
        return true;
    }

private:
    std::string name_;
    FileDescriptor file_;
    bool has_name_ = false;
};

bool replace_by_named(const std::string& path, std::string_view bytes, mode_t mode) {
    const HeldSignals held;
    Unfinished file(directory_of(path));
    return file.is_open() && fill(file.number(), bytes, mode) && file.take_place_of(path);
}

// Gives a whole file its name by way of an unfinished one, since a link cannot replace what is there.
bool name_whole_file(int whole, const std::string& path) {
    const HeldSignals held;
    Unfinished place(directory_of(path));
    if (!place.is_open()) return false;
    const std::string from = "/proc/self/fd/" + std::to_string(whole);
    return ::unlink(place.name().c_str()) == 0 &&
           ::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, place.name().c_str(), AT_SYMLINK_FOLLOW) == 0 &&
           place.take_place_of(path);
}

}  // namespace

bool write_all(int descriptor, std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool holds(const std::string& path, std::string_view bytes) noexcept {
    const FileDescriptor file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (!file.is_open() || ::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    if (static_cast<std::size_t>(status.st_size) != bytes.size()) return false;
    std::array<char, 1U << 16> buffer{};
    while (true) {
        const ssize_t count = ::read(file.number(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count == 0 && bytes.empty();
        const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
        if (!bytes.starts_with(piece)) return false;
        bytes.remove_prefix(piece.size());
    }
}

bool replace_file(const std::string& path, std::string_view bytes, mode_t mode) {
    if (mode == 0) mode = new_file_mode();
    const FileDescriptor nameless(directory_of(path), O_TMPFILE | O_WRONLY, 0600);
    // File systems without nameless files say so in several ways; the other way finds out what is really wrong.
    if (!nameless.is_open() || ::access("/proc/self/fd", F_OK) != 0) return replace_by_named(path, bytes, mode);
    return fill(nameless.number(), bytes, mode) && name_whole_file(nameless.number(), path);
}

}  // namespace poolcpuid::os
