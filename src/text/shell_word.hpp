// A text as one word of a shell's command line.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid {

// text as it stands where every shell takes it for one word, else in single quotes; control and formatting characters
// are made printable first, so such a text no longer names what it did. POSIX.1-2017, XCU 2.2.2.
std::string shell_word(std::string_view text);

}  // namespace poolcpuid
