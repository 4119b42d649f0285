// What guests that are shown one CPU believe beyond what is so on another.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// True when a list of a model (immune, inferred, reported, unaware, beyond_software) has this vulnerability.
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

// How much guests hold themselves for safe from on a model, and how old that is: of several CPUs the least lends its
// family and model. One that the table does not know may be newer than all others, and comes last.
struct LenderRank {
    static constexpr std::size_t unknown = std::numeric_limits<std::size_t>::max();

    std::size_t inferred = unknown;
    std::size_t reported = unknown;
    std::uint32_t generation = 0;

    friend auto operator<=>(const LenderRank&, const LenderRank&) = default;
};

// model: nullptr where the table does not have it.
inline LenderRank lender_rank(const Model* model) noexcept {
    if (model == nullptr) return {};
    return {model->inferred.size(), model->reported.size(), model->generation};
}

// What guests make of a CPU by its family and model, and what it does not have whatever they make of it.
struct Beliefs {
    List<Text> inferred;
    List<Text> unaware;
    List<Text> immune;
};

// Of a CPU that the model table does not have, what guests make of its family; of no known family, nothing.
inline Beliefs beliefs_on(const Model* model, const CpuFamily* family) noexcept {
    if (model != nullptr) return {model->inferred, model->unaware, model->immune};
    return family == nullptr ? Beliefs{} : Beliefs{family->inferred, family->unaware, {}};
}

// The vulnerabilities that guests hold themselves for safe from, or do not look for, when they are shown the one CPU,
// and to which the real one may be open. What no guest looks for on a whole family no CPU of it is known to have.
inline std::vector<std::string_view> claims_beyond(const Beliefs& shown, const Beliefs& real) {
    std::vector<std::string_view> claims;
    for (const std::string_view id : shown.inferred) {
        if (!lists(real.inferred, id)) claims.push_back(id);
    }
    for (const std::string_view id : shown.unaware) {
        if (!lists(real.immune, id) && !lists(real.unaware, id)) claims.push_back(id);
    }
    return claims;
}

// The same of a model of the table, and of another one; nullptr: one that the table does not have.
inline std::vector<std::string_view> claims_beyond(const Model& shown, const Model* real) {
    return claims_beyond(beliefs_on(&shown, nullptr), beliefs_on(real, nullptr));
}

}  // namespace poolcpuid::rulebook
