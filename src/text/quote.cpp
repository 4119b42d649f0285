#include "text/quote.hpp"

namespace poolcpuid {

std::string quote(std::string_view text, std::size_t longest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result = "\"";
    for (const char c : text.substr(0, longest)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F) {
            result += c;
        } else {
            result += "\\x";
            result += digits[byte >> 4U];
            result += digits[byte & 0xFU];
        }
    }
    result += text.size() > longest ? "…\"" : "\"";
    return result;
}

}  // namespace poolcpuid
