#include "base/base64.hpp"

#include <nettle/base64.h>

#include <cstdint>

namespace poolcpuid {

std::optional<std::string> from_base64(std::string_view text) {
    base64_decode_ctx context;
    base64_decode_init(&context);
    std::string bytes(BASE64_DECODE_LENGTH(text.size()), '\0');
    std::size_t size = bytes.size();
    const bool is_valid = base64_decode_update(&context, &size, reinterpret_cast<std::uint8_t*>(bytes.data()),
                                               text.size(), text.data()) == 1;
    if (!is_valid || base64_decode_final(&context) != 1) return std::nullopt;
    bytes.resize(size);
    return bytes;
}

}  // namespace poolcpuid
