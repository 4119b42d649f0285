#include "dump/keyed_lines.hpp"

#include "base/printable.hpp"
#include "dump/line_reader.hpp"
#include "dump/named_features.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::dump {

std::string_view KeyedLines::add(std::string_view line, std::size_t number) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    const std::string_view key = trim(line.substr(0, colon));
    if (lines_.empty()) first_ = number;
    lines_.emplace(key, KeyedLine{std::string(trim(line.substr(colon + 1))), number});
    return key;
}

KeyedLine* KeyedLines::find(std::string_view key) {
    const auto at = lines_.find(key);
    return at == lines_.end() ? nullptr : &at->second;
}

const KeyedLine& KeyedLines::required(std::string_view key) const {
    const auto at = lines_.find(key);
    if (at == lines_.end()) throw InputError(std::string(file_), first_, "a line \"" + std::string(key) + "\"", "none");
    return at->second;
}

std::uint32_t KeyedLines::number(std::string_view key) const {
    const KeyedLine& line = required(key);
    const auto value = decimal_of(line.text);
    if (value) return *value;
    throw InputError(std::string(file_), line.line, "a number as \"" + std::string(key) + "\"", quote(line.text));
}

}  // namespace poolcpuid::dump
