#include "base/sha256.hpp"

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include <array>
#include <cstdint>

namespace poolcpuid {

namespace {

using Digest = std::array<std::uint8_t, SHA256_DIGEST_SIZE>;

Digest digest_of(std::string_view bytes) {
    sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
    Digest digest{};
    sha256_digest(&context, digest.size(), digest.data());
    return digest;
}

std::string hex_of(const Digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * digest.size());
    for (const std::uint8_t byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 0xFU];
    }
    return hex;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) { return hex_of(digest_of(bytes)); }

struct Sha256::Context {
    sha256_ctx sum;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { sha256_init(&context_->sum); }
Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
    sha256_update(&context_->sum, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string Sha256::hex() {
    Digest digest{};
    sha256_digest(&context_->sum, digest.size(), digest.data());
    return hex_of(digest);
}

std::string sha256_base64(std::string_view bytes) {
    const Digest digest = digest_of(bytes);
    std::string text(BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE), '=');
    base64_encode_raw(text.data(), digest.size(), digest.data());
    return text;
}

}  // namespace poolcpuid
