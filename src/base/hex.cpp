#include "base/hex.hpp"

#include <array>
#include <charconv>
#include <system_error>

namespace poolcpuid {

std::string to_hex(std::uint64_t value, std::size_t digits) {
    std::array<char, 16> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, 16);
    const auto length = static_cast<std::size_t>(end - buffer.data());
    std::string result = "0x";
    if (length < digits) result.append(digits - length, '0');
    return result.append(buffer.data(), length);
}

std::optional<std::uint64_t> from_hex(std::string_view text, std::size_t digits) {
    if (text.size() < 3 || text.size() > digits + 2 || !text.starts_with("0x")) return std::nullopt;
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + 2, last, value, 16);
    if (error != std::errc{} || end != last) return std::nullopt;
    return value;
}

}  // namespace poolcpuid
