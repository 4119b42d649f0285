#include "cli/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& path, int error) {
    throw OutputError(path + ": cannot be written: " + std::system_category().message(error));
}

// A file descriptor that is closed on every way out.
class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int number() const noexcept { return number_; }
    // Closes now, since close may report that the bytes did not arrive.
    bool close() noexcept {
        const int number = number_;
        number_ = -1;
        return ::close(number) == 0;
    }

private:
    int number_;
};

bool write_all(int descriptor, std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

void write_directly(const std::string& path, std::string_view bytes) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.number() < 0 || !write_all(file.number(), bytes) || !file.close()) fail(path, errno);
}

// The mode that open() would have given a new file.
mode_t new_file_mode() noexcept {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return static_cast<mode_t>(0666) & ~mask;
}

void write_and_rename(const fs::path& target, std::string_view bytes) {
    std::string temporary = target.string() + ".XXXXXX";
    Descriptor file(::mkstemp(temporary.data()));
    if (file.number() < 0) fail(target.string(), errno);
    struct stat existing {};
    const mode_t mode = ::stat(target.c_str(), &existing) == 0 ? (existing.st_mode & 07777U) : new_file_mode();
    const bool written = ::fchmod(file.number(), mode) == 0 && write_all(file.number(), bytes) &&
                         ::fsync(file.number()) == 0 && file.close() &&
                         ::rename(temporary.c_str(), target.c_str()) == 0;
    if (!written) {
        const int error = errno;
        ::unlink(temporary.c_str());
        fail(target.string(), error);
    }
}

// The file that a symbolic link names in the end, whether it is there or not: that one is replaced, not
// the link.
fs::path link_target(fs::path path) {
    constexpr int most_links = 40;  // as many as Linux follows
    std::error_code error;
    for (int i = 0; i < most_links && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
        path = path.parent_path() / fs::read_symlink(path, error);
    }
    return path;
}

}  // namespace

void write_stdout(std::string_view bytes) {
    if (!write_all(STDOUT_FILENO, bytes)) fail("standard output", errno);
}

void write_file(const std::string& path, std::string_view bytes) {
    const fs::path target = link_target(path);
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    // What stands in /dev or /proc is a way to something else, even where that is a regular file now.
    const bool is_device = path.starts_with("/dev/") || path.starts_with("/proc/");
    if (is_device || (fs::exists(status) && !fs::is_regular_file(status))) return write_directly(path, bytes);
    write_and_rename(target, bytes);
}

void write_result(const std::string& path, std::string_view bytes) {
    if (path.empty()) {
        write_stdout(bytes);
    } else {
        write_file(path, bytes);
    }
}

bool stdout_is_terminal() noexcept { return ::isatty(STDOUT_FILENO) == 1; }

bool wants_colour(int descriptor) noexcept {
    const char* none = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    return ::isatty(descriptor) == 1 && (none == nullptr || *none == '\0') && term != nullptr &&
           std::string_view(term) != "dumb";
}

}  // namespace poolcpuid::cli
