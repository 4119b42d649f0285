#include "base/lists.hpp"

#include <algorithm>

namespace poolcpuid {

std::string enumerate(const std::vector<std::string>& names, std::size_t count) {
    const std::size_t shown = std::min(names.size(), names_in_sentence);
    const std::size_t hidden = count - std::min(count, shown);
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool last = i + 1 == shown && hidden == 0;
        if (i > 0) text += last ? " and " : ", ";
        text += names[i];
    }
    if (hidden > 0) text += " and " + std::to_string(hidden) + " more";
    return text;
}

}  // namespace poolcpuid
