// The lines of a text dump, one by one with their numbers.
#pragma once

#include <cstddef>
#include <string_view>

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// Splits a dump at line feeds, or carriage returns with line feeds; the last line need not end in one.
// No byte is special otherwise: dumps hold stray bytes in lines that are not rows. Copies nothing.
class LineReader {
public:
    // Throws InputError beyond limits::dump_bytes. The bytes of source must outlive the reader.
    explicit LineReader(const Source& source);

    // Goes to the next line; false at the end. Throws InputError beyond limits::line_bytes.
    // Linear in the length of the line.
    bool next();

    // The current line without its end and without blanks around it.
    std::string_view text() const noexcept { return text_; }
    // The number of the current line, from 1.
    std::size_t number() const noexcept { return number_; }

private:
    Source source_;
    std::string_view rest_;
    std::string_view text_;
    std::size_t number_ = 0;
};

// text without spaces, tabs and carriage returns at both ends.
std::string_view trim(std::string_view text) noexcept;

// True for the line of 80 dashes that ends the dump in libcpuid's .test files: what follows is what
// libcpuid is expected to make of it. line has no blanks around it.
bool ends_test_dump(std::string_view line) noexcept;

// True when wanted(line) holds for some line of bytes, blanks around it removed: what format detection
// needs. wanted must not throw. Stops at the first such line.
template <typename Predicate>
bool any_line(std::string_view bytes, Predicate wanted) noexcept {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        if (wanted(trim(bytes.substr(0, end)))) return true;
        if (end == std::string_view::npos) return false;
        bytes.remove_prefix(end + 1);
    }
    return false;
}

}  // namespace poolcpuid::dump
