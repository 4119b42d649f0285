#include "dump/row_ends.hpp"

#include <cstddef>
#include <string>

#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

// How many numbers of 8 hexadecimal digits line has, with "0x" before them or without.
std::size_t whole_numbers(std::string_view line) noexcept {
    constexpr std::size_t digits = 8;
    std::size_t count = 0;
    for (std::size_t at = 0; at < line.size();) {
        if (line.substr(at).starts_with("0x")) at += 2;
        const std::size_t length = Cursor(line.substr(at)).hex_digits();
        count += length == digits ? 1 : 0;
        at += length + 1;
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
