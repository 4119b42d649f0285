#include "base/json_text.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

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

// indent: blanks a level, or -1 for one line.
std::string written(const nlohmann::ordered_json& document, int indent) {
    using Json = nlohmann::ordered_json;
    const std::string dumped = document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
    std::string result;
    result.reserve(dumped.size());
    for (std::string_view rest = dumped; !rest.empty();) {
        // Of ASCII, nlohmann escapes what has to be, but for DEL.
        const auto other =
            std::find_if(rest.begin(), rest.end(), [](char byte) { return static_cast<unsigned char>(byte) >= 0x7F; });
        result.append(rest.begin(), other);
        rest.remove_prefix(static_cast<std::size_t>(other - rest.begin()));
        if (rest.empty()) break;
        utf8proc_int32_t codepoint = 0;
        const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(rest.data());
        const auto used =
            static_cast<std::size_t>(utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(rest.size()), &codepoint));
        if (is_harmless(static_cast<char32_t>(codepoint))) {
            result += rest.substr(0, used);
        } else {
            put_escaped(static_cast<std::uint32_t>(codepoint), result);
        }
        rest.remove_prefix(used);
    }
    return result;
}

}  // namespace

std::string text_of(const nlohmann::ordered_json& document) { return written(document, 2); }

std::string line_of(const nlohmann::ordered_json& document) { return written(document, -1); }

}  // namespace poolcpuid::json
