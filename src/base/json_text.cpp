#include "base/json_text.hpp"

#include <utf8proc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "base/printable.hpp"

namespace poolcpuid::json {

namespace {

void put_unit(std::uint32_t unit, std::string& out) { out += "\\u" + to_hex(unit, 4).substr(2); }

// As JSON does it: two halves beyond the first plane.
void put_escaped(std::uint32_t codepoint, std::string& out) {
    if (codepoint < 0x10000) return put_unit(codepoint, out);
    put_unit(0xD800 + ((codepoint - 0x10000) >> 10), out);
    put_unit(0xDC00 + ((codepoint - 0x10000) & 0x3FF), out);
}

// Of ASCII, nlohmann escapes what has to be, but for DEL.
constexpr bool may_be_harmful(char byte) { return static_cast<unsigned char>(byte) >= 0x7F; }

// The place of the first such byte at or behind from; that of the end where there is none. Eight bytes at once, as they
// are rare.
std::size_t find_harmful(std::string_view text, std::size_t from) {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t tops = 0x8080808080808080;
    for (std::uint64_t word = 0; from + sizeof word <= text.size(); from += sizeof word) {
        std::memcpy(&word, text.data() + from, sizeof word);
        if (((word | (word + ones)) & tops) != 0) break;
    }
    while (from < text.size() && !may_be_harmful(text[from])) ++from;
    return from;
}

// indent: blanks a level, or -1 for one line.
std::string written(const nlohmann::ordered_json& document, int indent) {
    std::string text = document.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    text += '\n';
    return with_escapes(std::move(text));
}

}  // namespace

std::string text_of(const nlohmann::ordered_json& document) { return written(document, 2); }

std::string line_of(const nlohmann::ordered_json& document) { return written(document, -1); }

std::string with_escapes(std::string text) {
    std::string result;    // of what stands before done
    std::size_t done = 0;  // 0 as long as nothing had to be escaped
    for (std::size_t at = find_harmful(text, 0); at < text.size();) {
        utf8proc_int32_t codepoint = 0;
        const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
        const auto used = static_cast<std::size_t>(
            utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &codepoint));
        if (!is_harmless(static_cast<char32_t>(codepoint))) {
            result.append(text, done, at - done);
            put_escaped(static_cast<std::uint32_t>(codepoint), result);
            done = at + used;
        }
        at = find_harmful(text, at + used);
    }
    if (done == 0) return text;
    return result.append(text, done);
}

}  // namespace poolcpuid::json
