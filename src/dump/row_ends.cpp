#include "dump/row_ends.hpp"

#include <cstddef>
#include <string>

#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

// How many numbers of 8 hexadecimal digits line has. One that begins at a place or behind it has a digit at the eighth
// from there: of most lines, which have none, most characters are not looked at.
std::size_t whole_numbers(std::string_view line) noexcept {
    constexpr std::size_t digits = 8;
    std::size_t count = 0;
    for (std::size_t at = 0; at + digits <= line.size();) {
        std::size_t begin = at + digits;
        while (begin > at && Cursor::is_hex_digit(line[begin - 1])) --begin;
        const std::size_t length = begin == at + digits ? 0 : Cursor(line.substr(begin)).hex_digits();
        count += length == digits ? 1 : 0;
        at = begin + length;
    }
    return count;
}

}  // namespace

bool is_end_of_row(std::string_view line, std::string_view whole, bool (*is_row)(std::string_view line) noexcept) {
    constexpr std::size_t longest_annotation = 64;
    constexpr std::size_t fewest_registers = 2;
    if (line.size() > whole.size() + longest_annotation || whole_numbers(line) < fewest_registers) return false;
    for (std::size_t length = 1; length <= whole.size(); ++length) {
        if (is_row(std::string(whole.substr(0, length)).append(line))) return true;
    }
    return false;
}

}  // namespace poolcpuid::dump
