// Compressed data, piece by piece.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>

namespace poolcpuid::dump {

// Data that cannot be decompressed. what() is the reason, in the words of the library where it has some.
class DamagedData : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Decompressor {
public:
    virtual ~Decompressor() = default;

    // Fills room with what comes next and returns how much that is; less than there is room for only at the end. Throws
    // DamagedData. Linear in what it reads and writes.
    virtual std::size_t read(std::span<char> room) = 0;
};

// What decompresses bytes, by how they begin: gzip (RFC 1952), xz, zstd (RFC 8878), each also several times in a row.
// Nothing for other data. bytes must outlive it. It takes no more than memory bytes for what it has to remember; data
// that needs more is refused as damaged.
std::unique_ptr<Decompressor> decompressor_of(std::string_view bytes, std::size_t memory);

// True when decompressor_of has one. Constant.
bool is_compressed(std::string_view bytes) noexcept;

}  // namespace poolcpuid::dump
