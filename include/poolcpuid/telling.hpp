// How what a guest sees relates to what its policy promises it: the one classification of render and verify.
#pragma once

#include <cstdint>
#include <string_view>

namespace poolcpuid {

enum class Telling : std::uint8_t {
    more,       // the guest is promised what not every host keeps
    less,       // the guest is not shown what it could use
    otherwise,  // neither: what promises nothing, or only by being equal
    unknown,    // the VMM or the host decides
};

// "more", "less", "otherwise", "unknown".
std::string_view to_string(Telling telling) noexcept;

}  // namespace poolcpuid
