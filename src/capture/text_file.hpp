// Small files that the kernel makes: read whole, without the blanks around what they say.
#pragma once

#include <optional>
#include <string>

namespace poolcpuid::capture {

// The content of a file without blanks and line feeds at its ends, or nothing when it cannot be read.
// Linear.
std::optional<std::string> read_text_file(const std::string& path);

}  // namespace poolcpuid::capture
