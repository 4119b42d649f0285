// Text that may hold anything, such as a file's name, made fit for a terminal and for our documents.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid {

// text with every control and formatting character (bidirectional overrides among them) written as
// \u{…}, and every byte that is not UTF-8 as \xNN. Linear.
std::string printable(std::string_view text);

}  // namespace poolcpuid
