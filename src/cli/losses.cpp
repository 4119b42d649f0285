#include "cli/losses.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::cli {

namespace {

std::string name_of_lost(const Inexpressible& entry, const Rulebook& rulebook) {
    const BitPlace& place = entry.place;
    if (rulebook.find(entry.field) != no_field) return document::field_text(rulebook, entry.field, place);
    return (place.is_msr ? "MSR " : "") + to_hex(place.leaf) +
           (place.is_msr ? "" : "." + to_hex(place.subleaf_first) + " " + to_string(place.reg)) + " bits " +
           std::to_string(place.high) + ":" + std::to_string(place.low);
}

// Of a flag that it is not said tells its value.
std::string with_values(const Inexpressible& entry, const std::string& name) {
    const bool is_flag = entry.place.low == entry.place.high;
    return is_flag ? name : name + " (" + document::value_word(entry.instead) + ", not " + to_hex(entry.value) + ")";
}

std::optional<Loss> loss_of_descriptions(const Rendering& rendering, const Rulebook& rulebook) {
    using Place = std::tuple<bool, std::uint32_t, std::uint32_t, Register>;
    std::set<Place> registers;
    std::set<std::string> subjects;
    bool has_others = false;
    Loss loss;
    for (const Inexpressible& entry : rendering.inexpressible) {
        if (entry.impact != Impact::cosmetic) continue;
        loss.fields.push_back(name_of_lost(entry, rulebook));
        registers.emplace(entry.place.is_msr, entry.place.leaf, entry.place.subleaf_first, entry.place.reg);
        if (entry.about.empty()) {
            has_others = true;
        } else {
            subjects.insert(entry.about);
        }
    }
    if (registers.empty()) return std::nullopt;
    std::vector<std::string> names(subjects.begin(), subjects.end());
    if (has_others) names.emplace_back(names.empty() ? "descriptions" : "other descriptions");
    loss.text = joined(names) + ": " + counted(registers.size(), "register") + ". No promise changes.";
    return loss;
}

}  // namespace

std::string Loss::heading() const {
    return std::string(to_string(telling)) + " (" + std::string(to_string(impact)) + "): ";
}

std::vector<Loss> losses_of(const Rendering& rendering, const Rulebook& rulebook) {
    using Key = std::tuple<bool, Impact, Telling, std::string, std::string>;
    struct Alike {
        std::vector<std::string> names;
        std::vector<std::string> items;
    };
    std::map<Key, Alike> groups;
    for (const Inexpressible& entry : rendering.inexpressible) {
        if (entry.impact == Impact::cosmetic) continue;
        const bool is_loss = entry.telling == Telling::less;
        Alike& group = groups[{is_loss, entry.impact, entry.telling, entry.reason, entry.consequence}];
        group.names.push_back(name_of_lost(entry, rulebook));
        group.items.push_back(with_values(entry, group.names.back()));
    }
    std::vector<Loss> losses;
    for (auto& [key, group] : groups) {
        const auto& [is_loss, impact, telling, reason, consequence] = key;
        losses.push_back({telling, impact, std::move(group.names),
                          joined(group.items) + ". " + reason + (reason.empty() ? "" : " ") + consequence});
    }
    if (auto last = loss_of_descriptions(rendering, rulebook)) losses.push_back(std::move(*last));
    return losses;
}

}  // namespace poolcpuid::cli
