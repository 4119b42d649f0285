#include "dump/test_dump.hpp"

#include <string>

#include "dump/one_machine.hpp"

namespace poolcpuid::dump {

bool ends_test_dump(std::string_view line) noexcept {
    constexpr std::size_t width = 80;
    return line.size() == width && line.find_first_not_of('-') == std::string_view::npos;
}

void go_over_expectations(LineReader& lines, bool (*is_row)(std::string_view line) noexcept, std::string_view file) {
    const std::size_t end = lines.number();
    while (lines.next()) {
        if (!is_row(lines.text())) continue;
        refuse_second_dump("another CPU, after the end of a dump on line " + std::to_string(end), file, lines.number());
    }
}

}  // namespace poolcpuid::dump
