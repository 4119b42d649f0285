#include "base/printable.hpp"

#include <utf8proc.h>

#include <algorithm>

#include "base/hex.hpp"

namespace poolcpuid {

namespace {

// How many bytes at the start of text are printable ASCII, which is most of what is written: each is harmless by
// itself.
std::size_t plain_bytes(std::string_view text) noexcept {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        if (const std::size_t plain = plain_bytes(text)) {
            result += text.substr(0, plain);
            text.remove_prefix(plain);
            continue;
        }
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

std::string shell_word(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%=";
    const std::string shown = printable(text);
    if (!shown.empty() && shown.find_first_not_of(plain) == std::string::npos) return shown;
    std::string word = "'";
    for (const char c : shown) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

}  // namespace poolcpuid
