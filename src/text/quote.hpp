// Text from an input file, made fit for a message: short, on one line, and harmless to a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace poolcpuid {

// text within double quotes. Bytes other than printable ASCII become \xNN (an escape sequence or a
// bidirectional override in a dump must not reach the reader's terminal), and what is longer than longest
// bytes is cut and ends in "…".
std::string quote(std::string_view text, std::size_t longest = 60);

}  // namespace poolcpuid
