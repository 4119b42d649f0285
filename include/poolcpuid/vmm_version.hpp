// Releases of a VMM, and which of them know a name.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid {

// A release of a VMM, of libvirt, or of a guest's kernel.
struct VmmVersion {
    unsigned major = 0;
    unsigned minor = 0;

    friend constexpr auto operator<=>(const VmmVersion&, const VmmVersion&) = default;
};

// "7.2" of "7.2", "7.2.22"; nothing for all else.
std::optional<VmmVersion> parse_version(std::string_view text);

// "7.2".
std::string to_string(const VmmVersion& version);

enum class Knows : std::uint8_t { yes, no, perhaps };

// When a name came in.
struct NameAge {
    VmmVersion since;                  // the oldest release that is known to have it
    std::optional<VmmVersion> absent;  // the newest that is known to lack it; nothing: the one before since

    // Between absent and since nobody knows.
    constexpr Knows known_to(const VmmVersion& version) const noexcept {
        if (version >= since) return Knows::yes;
        return absent && version > *absent ? Knows::perhaps : Knows::no;
    }

    friend constexpr bool operator==(const NameAge&, const NameAge&) = default;
};

}  // namespace poolcpuid
