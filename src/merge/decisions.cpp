#include "merge/decisions.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "merge/limits.hpp"
#include "merge/reasons.hpp"
#include "text/hex.hpp"

namespace poolcpuid::merge {

namespace {

class Decider {
public:
    explicit Decider(const DecisionInputs& inputs)
        : in_(inputs), limits_(inputs), plan_(inputs.draft.plan()), rulebook_(inputs.draft.plan().rulebook()) {}

    std::vector<Decision> run(bool only_guarded) {
        std::vector<Decision> decisions;
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (field.rule == Rule::owned || (only_guarded && field.rule != Rule::guarded)) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                auto decision = decide_one(index, subleaf);
                if (decision) decisions.push_back(std::move(*decision));
            }
        }
        const auto key = [](const Decision& d) {
            return std::tuple(d.place.is_msr, d.place.leaf, d.place.subleaf_first, d.place.reg, d.place.low);
        };
        std::stable_sort(decisions.begin(), decisions.end(),
                         [&](const Decision& a, const Decision& b) { return key(a) < key(b); });
        return decisions;
    }

private:
    ValuesSeen values_of(FieldIndex index, std::uint32_t subleaf) const {
        ValuesSeen values;
        for (const Variant& variant : in_.variants) {
            values[brought_value(plan_, *variant.promises, index, subleaf)].push_back(&variant);
        }
        return values;
    }

    std::optional<Decision> decide_one(FieldIndex index, std::uint32_t subleaf) {
        const Field& field = rulebook_[index];
        const std::uint64_t value = value_in(in_.rows, field, subleaf);
        const auto values = values_of(index, subleaf);
        const SeenValue& first = values.begin()->first;
        // All hosts say the same and the policy says it too; a number that is 0 by its meaning (see
        // zero_means) agrees with what it stands for.
        const bool stands_for = value == 0 && field.zero_means_field != no_field;
        const bool as_read = first.known && !first.modelled;
        const auto is_hidden = [&](const Variant& variant) {
            return is_withheld(plan_, *variant.promises, index, subleaf);
        };
        if (values.size() == 1 && as_read && (first.value == value || stands_for) &&
            std::none_of(in_.variants.begin(), in_.variants.end(), is_hidden)) {
            return std::nullopt;
        }
        // What is never shown is no decision as long as nobody has it.
        const bool all_zero =
            std::all_of(values.begin(), values.end(), [](const auto& v) { return v.first.value == 0; });
        if (value == 0 && all_zero && !promises_by_bits(field.rule) && !promises_by_number(field.rule))
            return std::nullopt;
        if (value == 0 && all_zero && out_of_sight(index)) return std::nullopt;

        Decision decision;
        decision.field = field.id;
        decision.place = {field.is_msr, field.leaf, subleaf, subleaf, field.reg, field.low, field.high};
        decision.rule = to_string(field.rule);
        decision.value = to_hex(value);
        for (const auto& [seen, variants] : values) add_value(decision.values, seen, names_of(variants));
        const std::vector<std::string> because = limits_.hosts(index, subleaf);
        decision.because = first_names(because, in_.most_names);
        decision.mitigates = rulebook_.mitigated_by(field);
        decision.reason = reason_of(in_, limits_, index, subleaf, values, because);
        return decision;
    }

    // Fields that are 0 everywhere for a reason that concerns no host.
    bool out_of_sight(FieldIndex index) const {
        const Cause cause = in_.draft.fate(index).cause;
        return cause == Cause::not_asked || cause == Cause::gate;
    }

    static std::vector<std::string> names_of(const std::vector<const Variant*>& variants) {
        std::vector<std::string> names;
        for (const Variant* variant : variants) names.insert(names.end(), variant->names.begin(), variant->names.end());
        std::sort(names.begin(), names.end());
        return names;
    }

    void add_value(std::vector<ValueOfHosts>& out, const SeenValue& seen, const std::vector<std::string>& names) const {
        const std::string text = seen.known ? to_hex(seen.value) : "unknown";
        const auto same = std::find_if(out.begin(), out.end(), [&](const ValueOfHosts& v) { return v.value == text; });
        if (same == out.end()) {
            out.push_back({text, first_names(names, in_.most_names), names.size()});
            return;
        }
        // The same value once as read, once from the model table, once implied.
        same->count += names.size();
        same->hosts.insert(same->hosts.end(), names.begin(), names.end());
        std::sort(same->hosts.begin(), same->hosts.end());
        same->hosts = first_names(same->hosts, in_.most_names);
    }

    const DecisionInputs& in_;
    const Limits limits_;
    const Plan& plan_;
    const Rulebook& rulebook_;
};

}  // namespace

std::vector<Decision> decide(const DecisionInputs& inputs) { return Decider(inputs).run(false); }

std::vector<Decision> decide_guarded(const DecisionInputs& inputs) { return Decider(inputs).run(true); }

}  // namespace poolcpuid::merge
