#include "dump/below_text.hpp"

#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"
#include "dump/recognise.hpp"

namespace poolcpuid::dump {

std::optional<BelowText> find_below_text(std::string_view text) {
    constexpr std::size_t most_tries = 16;
    Lines lines(text);
    for (std::size_t tries = 0; tries < most_tries;) {
        const auto line = lines.next();
        if (!line) break;
        const std::string_view rest = text.substr(static_cast<std::size_t>(line->data() - text.data()));
        if (lines.number() == 1 || trim(*line).empty() || !begins_as_json_or_xml(rest)) continue;
        ++tries;
        const Format* format = recognise(rest);
        if (format == nullptr || !is_document(*format)) continue;
        return BelowText{std::string(begins_as_json(rest) ? "JSON" : "XML") +
                             " below other lines, which alone would be read as " + std::string(format->word),
                         lines.number()};
    }
    return std::nullopt;
}

}  // namespace poolcpuid::dump
