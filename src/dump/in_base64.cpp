#include "dump/in_base64.hpp"

#include <cstddef>

#include "base/base64.hpp"
#include "dump/decompress.hpp"
#include "dump/recognise.hpp"
#include "dump/tar.hpp"

namespace poolcpuid::dump {

std::optional<std::string> what_in_base64(std::string_view text) {
    constexpr std::size_t fewest_bytes = 64;  // no dump has fewer, and nearly all words do
    const auto bytes = text.size() < fewest_bytes ? std::nullopt : from_base64(text);
    if (!bytes) return std::nullopt;
    if (is_compressed(*bytes)) return "compressed data";
    if (is_tar(*bytes)) return "a tar archive";
    const Format* format = recognise(*bytes);
    return format == nullptr ? std::nullopt : std::optional(name_of_rows(*format));
}

}  // namespace poolcpuid::dump
