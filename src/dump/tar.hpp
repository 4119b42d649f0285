// The files of a tar archive, one after another.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

// Fills room with the archive's next bytes and returns how many they are; 0 at the end. May throw.
using NextBytes = std::function<std::size_t(std::span<char> room)>;

// Reads ustar, pax and GNU archives, with holes, long names and other charsets, by libarchive.
class TarReader {
public:
    explicit TarReader(NextBytes next);
    TarReader(const TarReader&) = delete;
    TarReader& operator=(const TarReader&) = delete;
    ~TarReader();

    // Goes to the next member; false at the end. Throws DamagedData, also for an archive that ends without the zeros
    // that mark its end: nobody knows how many files it had.
    bool next();

    // The member's name, as its bytes stand in the archive.
    const std::string& name() const noexcept;
    bool is_regular() const noexcept;
    bool is_directory() const noexcept;

    // The bytes of the member, or nothing where they are more than most. Throws DamagedData.
    std::optional<std::string> read(std::size_t most);

    // Goes over the bytes of the member, piece by piece; holes are not filled. Throws DamagedData.
    void skip();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// True when bytes begin with the header of a tar archive. Constant.
bool is_tar(std::string_view bytes) noexcept;

}  // namespace poolcpuid::dump
