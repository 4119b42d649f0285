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

std::string short_list(const std::vector<std::string>& items, std::size_t most, std::size_t count) {
    const std::size_t shown = std::min(most, items.size());
    const std::string text = joined({items.begin(), items.begin() + static_cast<std::ptrdiff_t>(shown)});
    const std::size_t more = count - std::min(count, shown);
    return more == 0 ? text : text + " and " + std::to_string(more) + " more";
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
    return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string counted(std::size_t count, std::string_view one) { return counted(count, one, std::string(one) + "s"); }

}  // namespace poolcpuid
