#include "poolcpuid/vmm_version.hpp"

#include <charconv>

namespace poolcpuid {

std::optional<VmmVersion> parse_version(std::string_view text) {
    VmmVersion version;
    const char* const last = text.data() + text.size();
    const auto [dot, major_error] = std::from_chars(text.data(), last, version.major);
    if (major_error != std::errc{} || dot == last || *dot != '.') return std::nullopt;
    const auto [end, minor_error] = std::from_chars(dot + 1, last, version.minor);
    if (minor_error != std::errc{} || (end != last && *end != '.')) return std::nullopt;
    return version;
}

std::string to_string(const VmmVersion& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

}  // namespace poolcpuid
