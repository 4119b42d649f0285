#include "dump/line_reader.hpp"

#include <string>

namespace poolcpuid::dump {

LineReader::LineReader(const Source& source) : source_(source), rest_(source.bytes) {
    if (rest_.size() > limits::dump_bytes) {
        throw InputError(std::string(source.file), 0,
                         "a dump of at most " + std::to_string(limits::dump_bytes) + " bytes",
                         std::to_string(rest_.size()));
    }
}

bool LineReader::next() {
    if (rest_.empty()) return false;
    ++number_;
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    if (line.size() > limits::line_bytes) {
        throw InputError(std::string(source_.file), number_,
                         "a line of at most " + std::to_string(limits::line_bytes) + " bytes",
                         std::to_string(line.size()));
    }
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    text_ = trim(line);
    return true;
}

std::string_view trim(std::string_view text) noexcept {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

bool ends_test_dump(std::string_view line) noexcept {
    constexpr std::size_t width = 80;
    return line.size() == width && line.find_first_not_of('-') == std::string_view::npos;
}

}  // namespace poolcpuid::dump
