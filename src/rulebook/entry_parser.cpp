#include "rulebook/entry_parser.hpp"

#include <charconv>

#include "base/hex.hpp"

namespace poolcpuid::rulebook {

using json::Value;

void collect_into(std::vector<LintFinding>* findings, const std::string& field, const std::function<void()>& body) {
    try {
        body();
    } catch (const InputError& error) {
        if (findings == nullptr) throw;
        findings->push_back(
            {error.file(), error.line(), field, "expected " + error.expected() + ", found " + error.found()});
    }
}

void EntryParser::fail(const Value& value, std::string expected) const {
    throw InputError(file_.path, value.line(), std::move(expected), json::describe(value));
}

const std::string& EntryParser::string_of(const Value& value) const {
    if (!value.is_string()) fail(value, "a string");
    return value.text();
}

std::vector<std::string> EntryParser::strings(const std::vector<Value>& values) const {
    std::vector<std::string> result;
    for (const Value& value : values) result.push_back(string_of(value));
    return result;
}

std::vector<std::string> EntryParser::optional_strings(json::ObjectReader& reader, std::string_view key) const {
    const std::vector<Value>* values = reader.optional_array(key);
    return values == nullptr ? std::vector<std::string>{} : strings(*values);
}

std::vector<std::vector<std::string>> EntryParser::conditions(const std::vector<Value>& lists) const {
    std::vector<std::vector<std::string>> result;
    for (const Value& list : lists) {
        if (!list.is_array()) fail(list, "an array of fields");
        result.push_back(strings(list.items()));
    }
    return result;
}

std::pair<std::uint32_t, std::uint32_t> EntryParser::hex_range(const Value& value) const {
    const std::string_view text = string_of(value);
    const std::size_t dash = text.find('-');
    const auto first = from_hex(text.substr(0, dash), 8);
    const auto last = dash == std::string_view::npos ? first : from_hex(text.substr(dash + 1), 8);
    if (!first || !last || *first > *last) fail(value, "\"0xN\" or \"0xN-0xM\" with N not above M");
    return {static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*last)};
}

std::vector<NumberRange> EntryParser::number_ranges(const std::vector<Value>& values) const {
    std::vector<NumberRange> ranges;
    for (const Value& value : values) {
        const auto [first, last] = hex_range(value);
        if (last > 0xFFFF) fail(value, "numbers of 16 bits");
        ranges.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
    }
    return ranges;
}

BitRange EntryParser::bit_range(const Value& value, unsigned width) const {
    const std::string_view text = string_of(value);
    const auto bit = [&](std::string_view part) {
        unsigned result = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), result);
        if (error != std::errc{} || end != part.data() + part.size() || result >= width) return width;
        return result;
    };
    const std::size_t colon = text.find(':');
    const unsigned high = bit(text.substr(0, colon));
    const unsigned low = colon == std::string_view::npos ? high : bit(text.substr(colon + 1));
    if (high >= width || low > high) {
        fail(value, "bits \"N\" or \"HIGH:LOW\" below " + std::to_string(width) + ", the high bit first");
    }
    return {static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(high)};
}

Register EntryParser::register_of(const Value& value) const {
    const std::string& text = string_of(value);
    for (const Register reg : all_registers) {
        if (text == to_string(reg)) return reg;
    }
    fail(value, "eax, ebx, ecx or edx");
}

VmmVersion EntryParser::release(const Value& value) const {
    const auto version = parse_version(string_of(value));
    if (!version || to_string(*version) != value.text()) fail(value, "a release \"MAJOR.MINOR\"");
    return *version;
}

}  // namespace poolcpuid::rulebook
