// Text that may hold anything, such as a file's name, made fit for a terminal and for our documents.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace poolcpuid {

// text with every control and formatting character (bidirectional overrides among them) written as
// \u{…}, and every byte that is not UTF-8 as \xNN. Linear.
std::string printable(std::string_view text);

// False for a control or formatting character: what a terminal acts on, or what changes how the text around it is read
// (Unicode categories Cc, Cf, Zl, Zp).
bool is_harmless(char32_t codepoint) noexcept;

// Text from an input file, made fit for a message: short, on one line, and harmless to a terminal.

// text within double quotes. Bytes other than printable ASCII become \xNN (an escape sequence or a
// bidirectional override in a dump must not reach the reader's terminal), and what is longer than longest
// bytes is cut and ends in "…".
std::string quote(std::string_view text, std::size_t longest = 60);

// A text as one word of a shell's command line.

// text as it stands where every shell takes it for one word, else in single quotes; control and formatting characters
// are made printable first, so such a text no longer names what it did. POSIX.1-2017, XCU 2.2.2.
std::string shell_word(std::string_view text);

}  // namespace poolcpuid
