// A file descriptor that is closed on every way out.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace poolcpuid::os {

class FileDescriptor {
public:
    // Opens path; is_open tells whether that went well, and errno why not. mode is of a file that the flags make.
    FileDescriptor(const std::string& path, int flags, mode_t mode = 0) noexcept
        : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}

    // Takes over a descriptor that a system call made; negative: it made none.
    explicit FileDescriptor(int number) noexcept : number_(number) {}

    FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    FileDescriptor& operator=(FileDescriptor&&) = delete;
    ~FileDescriptor() {
        if (number_ >= 0) ::close(number_);
    }

    bool is_open() const noexcept { return number_ >= 0; }
    int number() const noexcept { return number_; }

private:
    int number_;
};

// The system's words for an error number.
inline std::string reason(int error) { return std::system_category().message(error); }

}  // namespace poolcpuid::os
