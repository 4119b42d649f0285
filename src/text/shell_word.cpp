#include "text/shell_word.hpp"

#include "text/printable.hpp"

namespace poolcpuid {

std::string shell_word(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%=";
    const std::string shown = printable(text);
    if (!shown.empty() && shown.find_first_not_of(plain) == std::string::npos) return shown;
    std::string word = "'";
    for (const char c : shown) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

}  // namespace poolcpuid
