// Dumps in base64, as mails, Ansible's slurp and Kubernetes' secrets wrap files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

// What text is base64 of, if that would be read: "rows of cpuid -r", "compressed data". Nothing of other text. Linear.
std::optional<std::string> what_in_base64(std::string_view text);

}  // namespace poolcpuid::dump
