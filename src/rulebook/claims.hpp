// What guests that are shown one CPU believe beyond what is so on another.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// True when a list of a model (immune, inferred, unaware, beyond_software) has this vulnerability.
inline bool lists(List<Text> list, std::string_view vulnerability) noexcept {
    return std::find(list.begin(), list.end(), vulnerability) != list.end();
}

// True when the model (nullptr: one that the table does not know) is immune to all of the vulnerabilities, of which
// there are some.
inline bool is_immune_to_all(const Model* model, List<Text> vulnerabilities) noexcept {
    return model != nullptr && !vulnerabilities.empty() &&
           std::all_of(vulnerabilities.begin(), vulnerabilities.end(),
                       [&](std::string_view each) { return lists(model->immune, each); });
}

// The vulnerabilities that guests hold themselves for safe from, or do not look for, when they are shown a CPU of this
// model, and to which a CPU of the model real may be open; nullptr: of a model that the table does not have.
inline std::vector<std::string_view> claims_beyond(const Model& shown, const Model* real) {
    std::vector<std::string_view> claims;
    for (const std::string_view id : shown.inferred) {
        if (real == nullptr || !lists(real->inferred, id)) claims.push_back(id);
    }
    for (const std::string_view id : shown.unaware) {
        if (real == nullptr || !lists(real->immune, id)) claims.push_back(id);
    }
    return claims;
}

}  // namespace poolcpuid::rulebook
