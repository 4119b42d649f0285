#include "base/keyed_hash.hpp"

#include <nettle/sha2.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace poolcpuid {

KeyedHash::KeyedHash() {
    if (getentropy(key_.data(), key_.size()) != 0) {
        throw std::system_error(errno, std::generic_category(), "no random numbers");
    }
}

std::size_t KeyedHash::operator()(std::string_view text) const noexcept {
    sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, key_.size(), key_.data());
    sha256_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
    std::array<std::uint8_t, sizeof(std::size_t)> first{};
    sha256_digest(&context, first.size(), first.data());
    std::size_t hash = 0;
    std::memcpy(&hash, first.data(), sizeof hash);
    return hash;
}

}  // namespace poolcpuid
