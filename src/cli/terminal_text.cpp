#include "cli/terminal_text.hpp"

#include <algorithm>

#include "text/printable.hpp"

namespace poolcpuid::cli {

namespace {

constexpr char mark = '\xFF';  // no byte of UTF-8; a Colour follows
constexpr std::string_view special{"\n\xFF", 2};

const char* code_of(Colour colour) noexcept {
    switch (colour) {
        case Colour::bold: return "1";
        case Colour::red: return "31";
        case Colour::green: return "32";
        case Colour::yellow: return "33";
        case Colour::cyan: return "36";
        case Colour::none: break;
    }
    return "0";
}

}  // namespace

std::string painted(std::string_view text, Colour colour) {
    if (text.empty() || colour == Colour::none) return std::string(text);
    std::string result{mark, static_cast<char>(colour)};
    result += text;
    return result + mark + static_cast<char>(Colour::none);
}

std::string terminal_text(std::string_view marked, bool colour) {
    std::string result;
    while (!marked.empty()) {
        const std::size_t plain = std::min(marked.find_first_of(special), marked.size());
        result += printable(marked.substr(0, plain));
        marked.remove_prefix(plain);
        if (marked.empty()) break;
        const bool is_mark = marked.front() == mark && marked.size() > 1 &&
                             marked[1] >= static_cast<char>(Colour::none) &&
                             marked[1] <= static_cast<char>(Colour::cyan);
        if (is_mark && colour) result += std::string("\033[") + code_of(static_cast<Colour>(marked[1])) + "m";
        if (!is_mark) result += marked.front() == '\n' ? "\n" : printable(marked.substr(0, 1));
        marked.remove_prefix(is_mark ? 2 : 1);
    }
    return result;
}

}  // namespace poolcpuid::cli
