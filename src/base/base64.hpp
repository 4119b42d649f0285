// Base64, as mails and JSON wrap files in it (RFC 4648).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid {

// What text stands for, whose lines may be of any length; nothing where it is no base64, or ends within a group.
// Linear.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace poolcpuid
