#include "merge/decisions.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "text/hex.hpp"

namespace poolcpuid::merge {

namespace {

class Decider {
public:
    explicit Decider(const DecisionInputs& inputs)
        : in_(inputs), plan_(inputs.draft.plan()), rulebook_(inputs.draft.plan().rulebook()) {}

    std::vector<Decision> run() {
        std::vector<Decision> decisions;
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (field.rule == Rule::owned) continue;
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

    std::vector<std::string> limiting(FieldIndex index, std::uint32_t subleaf) {
        std::set<FieldIndex> visited;
        std::vector<std::string> names = limiting(index, subleaf, visited);
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return names;
    }

private:
    // The variants by the value that they have.
    using Values = std::map<SeenValue, std::vector<const Variant*>>;

    Values values_of(FieldIndex index, std::uint32_t subleaf) const {
        Values values;
        for (const Variant& variant : in_.variants) {
            values[seen_value(plan_, *variant.promises, index, subleaf)].push_back(&variant);
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
        if (values.size() == 1 && first.known && !first.modelled && (first.value == value || stands_for))
            return std::nullopt;
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
        const std::vector<std::string> because = limiting(index, subleaf);
        decision.because = first_names(because, in_.most_names);
        decision.reason = reason(index, values, because);
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
        // The same value once as read and once from the model table.
        same->count += names.size();
        same->hosts.insert(same->hosts.end(), names.begin(), names.end());
        std::sort(same->hosts.begin(), same->hosts.end());
        same->hosts = first_names(same->hosts, in_.most_names);
    }

    std::vector<std::string> names_with(FieldIndex index, std::uint32_t subleaf,
                                        const std::function<bool(const SeenValue&)>& which) const {
        return names_where(in_.variants, [&](const Variant& variant) {
            return which(seen_value(plan_, *variant.promises, index, subleaf));
        });
    }

    std::vector<std::string> limiting(FieldIndex index, std::uint32_t subleaf, std::set<FieldIndex>& visited) {
        if (!visited.insert(index).second) return {};
        const Fate fate = in_.draft.fate(index);
        switch (fate.cause) {
            case Cause::dependency: return limiting_all(rulebook_.dependencies[fate.detail].prerequisites, visited);
            case Cause::gate: return limiting_all({&rulebook_[index].gate, 1}, visited);
            case Cause::equality: return disagreeing(rulebook_.equality[fate.detail]);
            case Cause::component: return limiting_component(rulebook_.xsave[fate.detail]);
            case Cause::not_asked:
            case Cause::ceiling:
            case Cause::hidden:
            case Cause::set: return {};
            case Cause::none: break;
        }
        return limiting_by_value(index, subleaf);
    }

    std::vector<std::string> limiting_all(std::span<const FieldIndex> fields, std::set<FieldIndex>& visited) {
        std::vector<std::string> names;
        for (const FieldIndex index : fields) {
            const auto more = limiting(index, rulebook_[index].subleaf_first, visited);
            names.insert(names.end(), more.begin(), more.end());
        }
        return names;
    }

    // Hosts whose value of a field of the group is unknown, or not that of the identity host.
    std::vector<std::string> disagreeing(const EqualityGroup& group) const {
        std::vector<std::string> names;
        for (const FieldIndex index : group.fields) {
            const auto more = limiting_by_value(index, rulebook_[index].subleaf_first);
            names.insert(names.end(), more.begin(), more.end());
        }
        return names;
    }

    // Hosts without the component, or (when all have it) those that lay it out otherwise than the
    // identity host does.
    std::vector<std::string> limiting_component(const XsaveComponent& component) const {
        const auto atom = [&](const HostPromises& host) { return host.atoms.components[component.bit]; };
        auto names =
            names_where(in_.variants, [&](const Variant& variant) { return !atom(*variant.promises).promised; });
        if (!names.empty()) return names;
        const Component reference = atom(*in_.identity.promises);
        return names_where(in_.variants, [&](const Variant& variant) { return atom(*variant.promises) != reference; });
    }

    std::vector<std::string> limiting_by_value(FieldIndex index, std::uint32_t subleaf) const {
        if (index == plan_.microcode()) return limiting_microcode();
        const Field& field = rulebook_[index];
        std::uint64_t any = 0;
        std::uint64_t all = ~std::uint64_t{0};
        std::uint64_t least = ~std::uint64_t{0};
        std::uint64_t most = 0;
        for (const Variant& variant : in_.variants) {
            const SeenValue seen = seen_value(plan_, *variant.promises, index, subleaf);
            if (!seen.known) continue;
            any |= seen.value;
            all &= seen.value;
            least = std::min(least, seen.value);
            most = std::max(most, seen.value);
        }
        const auto with = [&](const std::function<bool(const SeenValue&)>& which) {
            return names_with(index, subleaf, [&](const SeenValue& seen) { return !seen.known || which(seen); });
        };
        switch (field.rule) {
            case Rule::intersect: return with([&](const SeenValue& seen) { return (any & ~seen.value) != 0; });
            case Rule::union_:
            case Rule::guarded: {
                // The bits that not all hosts have or, when all have the same, every host.
                const std::uint64_t deciding = (any & ~all) != 0 ? any & ~all : any;
                return with([&](const SeenValue& seen) { return (seen.value & deciding) != 0; });
            }
            case Rule::min: return with([&](const SeenValue& seen) { return least != most && seen.value == least; });
            case Rule::max: return with([&](const SeenValue& seen) { return least != most && seen.value == most; });
            case Rule::equal: {
                const std::uint64_t reference = seen_value(plan_, *in_.identity.promises, index, subleaf).value;
                return with([&](const SeenValue& seen) { return seen.value != reference; });
            }
            case Rule::identity: return {in_.identity.names.begin(), in_.identity.names.end()};
            case Rule::group:
                if (plan_.bad_news_group(index) != nullptr) return with_bad_news(index);
                return with([&](const SeenValue& seen) { return (any & ~seen.value) != 0; });
            default: return {};
        }
    }

    // The hosts with the policy's signature whose microcode is the oldest, or not known.
    std::vector<std::string> limiting_microcode() const {
        const std::uint32_t signature = in_.identity.promises->leaf1_eax;
        const Number oldest = in_.draft.atoms().microcode.at(signature);
        return names_where(in_.variants, [&](const Variant& variant) {
            const auto& revisions = variant.promises->atoms.microcode;
            const auto at = revisions.find(signature);
            return at != revisions.end() && at->second == oldest;
        });
    }

    // The hosts that are not known to keep RET to its own predictor, under whichever name they say so.
    std::vector<std::string> with_bad_news(FieldIndex index) const {
        const Field& field = rulebook_[index];
        const std::size_t word = *plan_.find_word(place_of(field, field.subleaf_first));
        return names_where(in_.variants, [&](const Variant& variant) {
            return (variant.promises->atoms.words[word] & field.mask()) == 0;
        });
    }

    std::string reason(FieldIndex index, const Values& values, const std::vector<std::string>& limiting_names) const {
        const Field& field = rulebook_[index];
        std::string text = what_happened(index, values, limiting_names);
        const bool modelled = std::any_of(values.begin(), values.end(), [](const auto& v) { return v.first.modelled; });
        if (modelled) text += " The model table says what the silicon does, whatever the dump shows.";
        return text + " " + std::string(field.why);
    }

    std::string what_happened(FieldIndex index, const Values& values,
                              const std::vector<std::string>& limiting_names) const {
        const Fate fate = in_.draft.fate(index);
        const std::string who = limiting_names.empty() ? "" : " (" + enumerate(limiting_names) + ")";
        switch (fate.cause) {
            case Cause::not_asked: return "Shown only when asked for with --show.";
            case Cause::ceiling: return "Withheld by --ceiling.";
            case Cause::hidden: return "Hidden by --hide.";
            case Cause::set: return "Set by the operator.";
            case Cause::gate:
                return "Says nothing without " + std::string(rulebook_[rulebook_[index].gate].id) + who + ".";
            case Cause::equality: {
                const EqualityGroup& group = rulebook_.equality[fate.detail];
                return "The hosts do not agree on " + std::string(group.id) + ", or not all dumps say it" + who + ": " +
                       std::string(group.why);
            }
            case Cause::dependency: {
                const Dependency& dependency = rulebook_.dependencies[fate.detail];
                return "Goes with " + std::string(rulebook_[dependency.prerequisites.front()].id) + who + ": " +
                       std::string(dependency.why);
            }
            case Cause::component: {
                const XsaveComponent& component = rulebook_.xsave[fate.detail];
                return "Its XSAVE state " + std::string(component.id) +
                       " is not the same on every host, or is not there" + who + ".";
            }
            case Cause::none: break;
        }
        if (index == plan_.microcode()) {
            return "The oldest of the hosts that have the policy's family, model and stepping" + who + ".";
        }
        if (rulebook_[index].rule == Rule::group) return by_group(index, who);
        return by_rule(rulebook_[index], values, who);
    }

    std::string by_group(FieldIndex index, const std::string& who) const {
        const PromiseGroup* group = plan_.bad_news_group(index);
        if (group == nullptr) return "Not every host has it" + who + ".";
        const FieldIndex other = index == group->rsba ? group->rrsba : group->rsba;
        if (in_.draft.present(other)) {
            const bool has_eibrs = in_.draft.present(group->eibrs);
            return "Shown as " + std::string(rulebook_[other].id) + ", since the policy has " +
                   (has_eibrs ? "" : "no ") + std::string(rulebook_[group->eibrs].id) + who + ".";
        }
        if (!in_.draft.present(index)) return "No host has it.";
        return "Set as soon as RET may be predicted from elsewhere on one host, or nobody knows" + who + ".";
    }

    std::string by_rule(const Field& field, const Values& values, const std::string& who) const {
        const bool unknown = std::any_of(values.begin(), values.end(), [](const auto& v) { return !v.first.known; });
        const std::string silent = unknown ? " What a dump does not say is not promised." : "";
        switch (field.rule) {
            case Rule::intersect: return "Not every host has it" + who + "." + silent;
            case Rule::union_:
            case Rule::guarded: return "Set as soon as one host has it" + who + "." + silent;
            case Rule::min: return "The smallest of the hosts" + who + "." + silent;
            case Rule::max: return "The largest of the hosts" + who + "." + silent;
            case Rule::equal: return "The hosts differ" + who + "." + silent;
            case Rule::identity: return "Taken whole from the host that lends the identity" + who + ".";
            case Rule::derive: return "Computed from the other fields.";
            case Rule::hide: return "Never shown to a guest in a pool.";
            case Rule::group:
            case Rule::owned: break;
        }
        return "Filled in by the VMM.";
    }

    const DecisionInputs& in_;
    const Plan& plan_;
    const Rulebook& rulebook_;
};

}  // namespace

std::vector<Decision> decide(const DecisionInputs& inputs) { return Decider(inputs).run(); }

std::vector<std::string> limiting_hosts(const DecisionInputs& inputs, FieldIndex field, std::uint32_t subleaf) {
    return Decider(inputs).limiting(field, subleaf);
}

}  // namespace poolcpuid::merge
