#include "text/printable.hpp"

#include <utf8proc.h>

#include "text/hex.hpp"

namespace poolcpuid {

std::string printable(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        utf8proc_int32_t codepoint = -1;
        const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
        const utf8proc_ssize_t used = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &codepoint);
        if (used <= 0) {
            result += "\\x" + to_hex(static_cast<unsigned char>(text.front()), 2).substr(2);
            text.remove_prefix(1);
            continue;
        }
        if (is_harmless(static_cast<char32_t>(codepoint))) {
            result += text.substr(0, static_cast<std::size_t>(used));
        } else {
            result += "\\u{" + to_hex(static_cast<std::uint32_t>(codepoint)).substr(2) + "}";
        }
        text.remove_prefix(static_cast<std::size_t>(used));
    }
    return result;
}

bool is_harmless(char32_t codepoint) noexcept {
    const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(codepoint));
    return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF && category != UTF8PROC_CATEGORY_ZL &&
           category != UTF8PROC_CATEGORY_ZP;
}

}  // namespace poolcpuid
