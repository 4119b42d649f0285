// A text that is taken piece by piece, and the line on which what is left of it begins.
#pragma once

#include <cstddef>
#include <string_view>

namespace poolcpuid {

// The number of line feeds in text. Linear.
std::size_t count_line_feeds(std::string_view text) noexcept;

class LocatedText {
public:
    explicit LocatedText(std::string_view text, std::size_t first_line = 1) noexcept : rest_(text), line_(first_line) {}

    std::string_view rest() const noexcept { return rest_; }
    // The number of the line of rest()'s first byte.
    std::size_t line() const noexcept { return line_; }

    // Goes over so many bytes, or all that are left. Linear in them.
    void go_over(std::size_t length) noexcept;
    // Goes over what JSON counts as blanks.
    void go_over_blanks() noexcept;

private:
    std::string_view rest_;
    std::size_t line_;
};

}  // namespace poolcpuid
