// Text that may hold anything, such as a file's name, made fit for a terminal and for our documents.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid {

// text with every control and formatting character (bidirectional overrides among them) written as
// \u{…}, and every byte that is not UTF-8 as \xNN. Linear.
std::string printable(std::string_view text);

// False for a control or formatting character: what a terminal acts on, or what changes how the text around it is read
// (Unicode categories Cc, Cf, Zl, Zp).
bool is_harmless(char32_t codepoint) noexcept;

}  // namespace poolcpuid
