#include "merge/pool.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "merge/table_values.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

std::vector<std::string> names_where(const HostGroups& groups, const std::function<bool(const HostGroup&)>& which) {
    std::vector<std::string> names;
    for (const auto& [digest, group] : groups) {
        if (which(group)) names.insert(names.end(), group.names.begin(), group.names.end());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> first_names(const std::vector<std::string>& names) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(names.size(), most_names));
    return {names.begin(), names.begin() + count};
}

std::string enumerate(const std::vector<std::string>& names) {
    constexpr std::size_t most_in_sentence = 3;
    const std::size_t shown = std::min(names.size(), most_in_sentence);
    const std::size_t hidden = names.size() - shown;
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool last = i + 1 == shown && hidden == 0;
        if (i > 0) text += last ? " and " : ", ";
        text += names[i];
    }
    if (hidden > 0) text += " and " + std::to_string(hidden) + " more";
    return text;
}

SeenValue seen_value(const Plan& plan, const HostGroup& group, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = plan.rulebook()[index];
    const HostPromises& host = *group.promises;
    if (promises_by_bits(field.rule)) {
        if (const auto word = plan.find_word({field.leaf, subleaf}, field.reg)) {
            const std::uint32_t value = plan.words()[*word].value_of(host.atoms.words[*word]) & field.mask();
            const bool known = (host.unknown[*word] & field.mask()) == 0;
            return {known, known ? value >> field.low : 0, (host.modelled[*word] & field.mask()) != 0};
        }
    }
    if (const auto slot = plan.find_number(index, subleaf)) {
        const Number& number = host.atoms.numbers[*slot];
        return {number.known, number.value, false};
    }
    const auto raw = field_value(*host.table, field, subleaf);
    return {raw.has_value(), raw.value_or(0), false};
}

std::vector<std::string> inferred_immunities(const HostGroup& group) {
    const Model* model = group.promises->model;
    if (model == nullptr) return {};
    return {model->inferred.begin(), model->inferred.end()};
}

const HostGroup& choose_identity(const HostGroups& groups, const std::string& requested) {
    if (!requested.empty()) {
        for (const auto& [digest, group] : groups) {
            if (!group.is_ceiling && (digest == requested || group.names.contains(requested))) return group;
        }
        throw UsageError("--identity: no host is named \"" + requested + "\" or has that digest");
    }
    const HostGroup* best = nullptr;
    const auto rank = [](const HostGroup& group) {
        const Model* model = group.promises->model;
        // A model that the table does not know may be newer than all others: it comes last.
        const std::size_t immunities = model == nullptr ? std::numeric_limits<std::size_t>::max() : model->inferred.size();
        const std::uint32_t generation = model == nullptr ? 0 : model->generation;
        return std::tuple(immunities, generation, group.sha256);
    };
    for (const auto& [digest, group] : groups) {
        if (!group.is_ceiling && (best == nullptr || rank(group) < rank(*best))) best = &group;
    }
    return *best;
}

}  // namespace poolcpuid::merge
