#include "dump/recognise.hpp"

#include <algorithm>

#include "base/located_text.hpp"
#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

// True for the beginning of a value of JSON: a number is whole, for dates and times begin with one.
bool begins_as_value(std::string_view text) noexcept {
    if (text.empty() || std::string_view("{[\"]").find(text.front()) != std::string_view::npos) return true;
    for (const std::string_view literal : {"true", "false", "null"}) {
        if (text.starts_with(literal)) return true;
    }
    const std::string_view number = text.substr(0, text.find_first_not_of("0123456789+-.eE"));
    if (number.find_first_of("0123456789") == std::string_view::npos) return false;
    const std::string_view behind = text.substr(number.size());
    return behind.empty() || std::string_view(",] \t\r\n").find(behind.front()) != std::string_view::npos;
}

// "[17] CPU 0:": in JSON no word follows upon a bracket that closes.
bool is_stamped(std::string_view line) noexcept {
    const std::size_t end = line.find("] ");
    if (end == std::string_view::npos) return false;
    const std::string_view behind = trim(line.substr(end + 1));
    return !behind.empty() && std::string_view(",]}").find(behind.front()) == std::string_view::npos;
}

}  // namespace

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

bool is_document(const Format& format) noexcept { return format.rows_of.empty() && &format != &format_of("cpuinfo"); }

std::string name_of_rows(const Format& format) {
    return format.rows_of.empty() ? "what is read as " + std::string(format.word)
                                  : "rows of " + std::string(format.rows_of);
}

bool begins_as_json(std::string_view text) noexcept {
    LocatedText rest(text);
    rest.go_over_blanks();
    if (!rest.rest().starts_with('[')) return rest.rest().starts_with('{');
    if (is_stamped(rest.rest().substr(0, rest.rest().find('\n')))) return false;
    rest.go_over(1);
    rest.go_over_blanks();
    return begins_as_value(rest.rest());
}

bool begins_as_json_or_xml(std::string_view text) noexcept {
    return begins_as_json(text) || first_character(text) == '<';
}

}  // namespace poolcpuid::dump
