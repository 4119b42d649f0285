// Lists of logical CPUs as Linux writes them: "0-3,8".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poolcpuid::capture {

// The CPUs of a list, sorted and unique; nothing when text is no list, is empty, or names more CPUs than a
// host document takes (limits::logical_cpus). Blanks and a line feed at the end are taken. Linear.
std::optional<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text);

// The list of sorted, unique CPUs. Linear.
std::string cpu_list_text(const std::vector<std::uint32_t>& cpus);

}  // namespace poolcpuid::capture
