// Items in a row, for a sentence or a cell.
#pragma once

#include <string>
#include <vector>

namespace poolcpuid {

// "a, b, c"; empty for none. Linear in what it returns.
inline std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

}  // namespace poolcpuid
