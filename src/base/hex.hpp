// Numbers as the documents and messages write them: hexadecimal, lower case, after "0x".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid {

// "0x10a": at least digits digits, zeros in front.
std::string to_hex(std::uint64_t value, std::size_t digits = 1);

// The value of "0x" and 1 to digits hexadecimal digits; nothing for any other text. digits is at most 16.
std::optional<std::uint64_t> from_hex(std::string_view text, std::size_t digits);

}  // namespace poolcpuid
