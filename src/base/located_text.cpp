#include "base/located_text.hpp"

#include <algorithm>

namespace poolcpuid {

std::size_t count_line_feeds(std::string_view text) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string_view::npos; ++at) ++count;
    return count;
}

void LocatedText::go_over(std::size_t length) noexcept {
    const std::string_view passed = rest_.substr(0, length);
    line_ += count_line_feeds(passed);
    rest_.remove_prefix(passed.size());
}

void LocatedText::go_over_blanks() noexcept { go_over(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

}  // namespace poolcpuid
