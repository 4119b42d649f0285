// A hash for tables whose keys come from machines that nobody here controls: who does not know the key of a run cannot
// choose names that collide in it. Nothing that is printed may depend on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poolcpuid {

// As the hash of std::unordered_map, too. Copies hash alike, as a copied table needs it.
class KeyedHash {
public:
    // With a key of its own from the system's random numbers (getentropy). Throws std::system_error where it has none.
    KeyedHash();

    // The first bits of SHA-256 over key and text. Linear.
    std::size_t operator()(std::string_view text) const noexcept;

private:
    std::array<std::uint8_t, 16> key_{};
};

}  // namespace poolcpuid
