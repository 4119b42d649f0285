#include "dump/host_name.hpp"

#include <utf8proc.h>

#include <cstdio>

#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid {

namespace {

// The characters that change the direction of the text around them (Unicode Standard Annex #9).
bool is_bidi_formatting(utf8proc_int32_t c) noexcept {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

std::string code_point(utf8proc_int32_t c) {
    char text[16];
    std::snprintf(text, sizeof text, "U+%04X", static_cast<unsigned>(c));
    return text;
}

}  // namespace

std::string dump::text_problem(std::string_view text) {
    const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    while (left > 0) {
        utf8proc_int32_t c = 0;
        const utf8proc_ssize_t length = utf8proc_iterate(at, left, &c);
        if (length <= 0) return "bytes that are not UTF-8";
        if (utf8proc_category(c) == UTF8PROC_CATEGORY_CC) return "the control character " + code_point(c);
        if (is_bidi_formatting(c)) return "the bidirectional formatting character " + code_point(c);
        at += length;
        left -= length;
    }
    return {};
}

std::string dump::meta_problem(std::string_view key, std::string_view value) {
    const std::string key_problem = host_name_problem(key);
    if (!key_problem.empty()) return key_problem + " as a key";
    if (value.size() > limits::meta_value_bytes) {
        return "a value of " + std::to_string(value.size()) + " bytes (at most " +
               std::to_string(limits::meta_value_bytes) + ")";
    }
    const std::string problem = text_problem(value);
    return problem.empty() ? problem : "a value with " + problem;
}

InputError dump::name_conflict(const std::string& name, const std::string& files) {
    return {name, 0, "one host of this name", "two with different content" + (files.empty() ? "" : ": " + files)};
}

std::string dump::name_from_file(std::string_view file) {
    if (file == "-") return "stdin";
    std::string_view name = file.substr(file.rfind('/') + 1);  // npos + 1 is 0: the whole of it
    const std::size_t dot = name.rfind('.');
    if (dot != std::string_view::npos && dot != 0) name = name.substr(0, dot);
    return std::string(name);
}

std::string host_name_problem(std::string_view name) {
    if (name.empty()) return "an empty name";
    if (name.size() > limits::name_bytes) return "a name of " + std::to_string(name.size()) + " bytes";
    const std::string problem = dump::text_problem(name);
    return problem.empty() ? problem : "a name with " + problem;
}

}  // namespace poolcpuid
