// A document of JSON or XML below other lines: a prompt, a command, what somebody wrote.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

struct BelowText {
    std::string what;      // "XML below other lines, which alone would be read as libvirt"
    std::size_t line = 0;  // on which it begins, from 1
};

// The document that begins below the first line of text, which is none itself, and would be recognised alone; nothing
// where there is none. It is not read, for what stands above it may be another host's. Linear.
std::optional<BelowText> find_below_text(std::string_view text);

}  // namespace poolcpuid::dump
