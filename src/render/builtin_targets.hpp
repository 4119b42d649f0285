// The files of policy/targets/ as the build put them into the program.
#pragma once

#include <span>
#include <string_view>

namespace poolcpuid::render {

struct BuiltinTarget {
    std::string_view name;      // the file's, without .json
    std::string_view document;  // its bytes
};

std::span<const BuiltinTarget> builtin_targets() noexcept;

}  // namespace poolcpuid::render
