// A mapping of memory that is taken away on every way out.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>

#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::kvm {

class Mapping {
public:
    // Maps so many bytes of a file, or with MAP_ANONYMOUS and -1 new memory of zeros. what is for the message
    // of the SystemError that is thrown when that fails.
    Mapping(std::size_t bytes, int flags, int descriptor, const char* what)
        : address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0)), bytes_(bytes) {
        if (address_ == MAP_FAILED) {
            throw SystemError(std::string(what) + " cannot be mapped (" + os::reason(errno) + ").");
        }
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { ::munmap(address_, bytes_); }

    void* address() const noexcept { return address_; }
    std::span<unsigned char> bytes() const noexcept { return {static_cast<unsigned char*>(address_), bytes_}; }

private:
    void* address_;
    std::size_t bytes_;
};

}  // namespace poolcpuid::kvm
