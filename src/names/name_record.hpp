// What is held of a host beside its content, in memory or in a file.
#pragma once

#include <cstdint>
#include <string_view>

namespace poolcpuid::names {

struct NameRecord {
    std::string_view name;
    std::uint32_t hash = 0;     // of the name; keyed (base/keyed_hash.hpp), so of this process alone
    std::uint32_t content = 0;  // its number
};

}  // namespace poolcpuid::names
