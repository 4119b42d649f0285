#include "dump/recognise.hpp"

#include <algorithm>

#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

const Format* recognise(std::string_view text) noexcept {
    const auto* const at =
        std::find_if(formats.begin(), formats.end(), [&](const Format& each) { return each.recognise(text); });
    return at == formats.end() ? nullptr : at;
}

std::size_t first_row(const Format& format, std::string_view text) noexcept {
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (format.recognise(*line)) return lines.number();
    }
    return 0;
}

bool begins_as_json_or_xml(std::string_view text) noexcept {
    const char first = first_character(text);
    return first == '{' || first == '[' || first == '<';
}

}  // namespace poolcpuid::dump
