#include "merge/reasons.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <span>
#include <utility>

namespace poolcpuid::merge {

namespace {

// How the reason of a field begins that something other than the hosts' values took or set.
constexpr std::array<std::pair<Cause, std::string_view>, 8> openings{{
    {Cause::not_asked, "Shown only when asked for with --show."},
    {Cause::ceiling, "Withheld by --ceiling."},
    {Cause::hidden, "Hidden by --hide."},
    {Cause::set, "Set by the operator."},
    {Cause::equality, "The hosts do not agree on "},
    {Cause::dependency, "Goes with "},
    {Cause::component, "Its XSAVE state "},
    {Cause::gate, "Says nothing without "},
}};

std::string opening_of(Cause cause) {
    const auto at = std::find_if(openings.begin(), openings.end(), [&](const auto& o) { return o.first == cause; });
    return at == openings.end() ? std::string() : std::string(at->second);
}

std::string in_parentheses(const std::vector<std::string>& names) {
    return names.empty() ? "" : " (" + enumerate(names) + ")";
}

class Writer {
public:
    Writer(const DecisionInputs& inputs, const Limits& limits)
        : in_(inputs), limits_(limits), plan_(inputs.draft.plan()), rulebook_(inputs.draft.plan().rulebook()) {}

    std::string text(FieldIndex index, std::uint32_t subleaf, const ValuesSeen& values,
                     const std::vector<std::string>& limiting) const {
        std::string said;
        if (const auto modelled = hosts_with(values, &SeenValue::modelled); !modelled.empty()) {
            said =
                " On " + enumerate(modelled) + " the model table says what the silicon does, whatever the dump shows.";
        }
        if (const auto implied = hosts_with(values, &SeenValue::implied); !implied.empty()) {
            said += " A VM that brings it may run on " + enumerate(implied) + " all the same, as " +
                    std::string(rulebook_[rulebook_[index].implied_by.field].id) + " is not there.";
        }
        return what_happened(index, subleaf, values, limiting) + said + withheld(index, subleaf) + " " +
               std::string(rulebook_[index].why);
    }

private:
    // Of a CPU that can do more than guests are given.
    std::string withheld(FieldIndex index, std::uint32_t subleaf) const {
        std::map<std::string, std::vector<std::string>> kernels;
        for (const Variant& variant : in_.variants) {
            if (!is_withheld(plan_, *variant.promises, index, subleaf)) continue;
            auto& names = kernels[variant.promises->kernel];
            names.insert(names.end(), variant.names.begin(), variant.names.end());
        }
        std::string text;
        for (auto& [kernel, names] : kernels) {
            std::sort(names.begin(), names.end());
            text += " The CPU of " + enumerate(names) + " has it, " + offerer(kernel) + " does not offer it.";
        }
        return text;
    }

    static std::vector<std::string> hosts_with(const ValuesSeen& values, bool SeenValue::*what) {
        std::vector<std::string> names;
        for (const auto& [seen, variants] : values) {
            if (!(seen.*what)) continue;
            for (const Variant* variant : variants)
                names.insert(names.end(), variant->names.begin(), variant->names.end());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    std::string ids_of(std::span<const FieldIndex> fields) const {
        std::string text;
        for (const FieldIndex index : fields) text += (text.empty() ? "" : " or ") + std::string(rulebook_[index].id);
        return text;
    }

    std::string what_happened(FieldIndex index, std::uint32_t subleaf, const ValuesSeen& values,
                              const std::vector<std::string>& limiting) const {
        const Fate fate = in_.draft.fate(index);
        const std::string who = in_parentheses(limiting);
        const std::string opening(opening_of(fate.cause));
        switch (fate.cause) {
            case Cause::not_asked:
            case Cause::ceiling:
            case Cause::hidden:
            case Cause::set: return opening;
            case Cause::gate: return opening + std::string(rulebook_[rulebook_[index].gate].id) + who + ".";
            case Cause::equality: {
                const EqualityGroup& group = rulebook_.equality[fate.detail];
                return opening + std::string(group.id) + ", or not all dumps say it" + who + ": " +
                       std::string(group.why);
            }
            case Cause::dependency: {
                const Dependency& dependency = rulebook_.dependencies[fate.detail];
                return opening + ids_of(dependency.prerequisites) + who + ": " + std::string(dependency.why);
            }
            case Cause::component: {
                const XsaveComponent& component = rulebook_.xsave[fate.detail];
                return opening + std::string(component.id) + " " + limits_.fate_of(component) + who + ".";
            }
            case Cause::none: break;
        }
        if (index == plan_.microcode()) {
            return "The oldest of the hosts that have the policy's family, model and stepping" + who + ".";
        }
        if (const XsaveComponent* state = limits_.state_of(index, subleaf)) return by_state(*state, who);
        if (rulebook_[index].rule == Rule::group) return by_group(index, who);
        return by_rule(rulebook_[index], values, who);
    }

    std::string by_state(const XsaveComponent& component, const std::string& who) const {
        const std::string id(component.id);
        if (limits_.is_kept(component))
            return "The documented layout of the XSAVE state " + id + ", where a dump has none.";
        return "The XSAVE state " + id + " " + limits_.fate_of(component) + who + ".";
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

    std::string by_rule(const Field& field, const ValuesSeen& values, const std::string& who) const {
        std::uint64_t any = 0;
        bool unknown = false;
        bool known = false;
        for (const auto& [seen, variants] : values) {
            any |= seen.known ? seen.value : 0;
            (seen.known ? known : unknown) = true;
        }
        const bool all = std::all_of(values.begin(), values.end(), [&](const auto& v) {
            return v.first.known && v.first.value == field.mask() >> field.low;
        });
        const std::string silent = unknown ? " What a dump does not say is not promised." : "";
        switch (field.rule) {
            case Rule::intersect:
                if (all) return "Every host keeps it.";
                if (any != 0) return "Not every host has it" + who + "." + silent;
                return (unknown ? "No host is known to have it" : "No host offers it") + who + "." + silent;
            case Rule::union_:
            case Rule::guarded:
                return (any == 0 && unknown ? "Set, since not every dump rules it out"
                                            : "Set as soon as one host has it") +
                       who + "." + silent;
            case Rule::min: return (known ? "The smallest of the hosts" : "No dump says it") + who + "." + silent;
            case Rule::max: return (known ? "The largest of the hosts" : "No dump says it") + who + "." + silent;
            case Rule::equal: return "The hosts differ" + who + "." + silent;
            case Rule::identity: return "Taken whole from the host that lends the identity" + who + ".";
            case Rule::derive:
                return field.derive.how == Derivation::constant ? "The same in every policy."
                                                                : "Computed from the other fields.";
            case Rule::hide: return "Never shown to a guest in a pool.";
            case Rule::group:
            case Rule::owned: break;
        }
        return "Filled in by the VMM.";
    }

    const DecisionInputs& in_;
    const Limits& limits_;
    const Plan& plan_;
    const Rulebook& rulebook_;
};

// Takes out " (a, b, c and 5 more)", and learns from it how many limit the field where the decision lists
// only the first of them. Nothing happens where the words are others.
void take_out_hosts(const std::vector<std::string>& listed, ReasonParts& parts) {
    std::string& text = parts.happened;
    const std::string all = in_parentheses(listed);
    if (const std::size_t at = text.find(all); !all.empty() && at != std::string::npos) {
        text.erase(at, all.size());
        return;
    }
    if (listed.size() <= names_in_sentence) return;
    static_assert(names_in_sentence == 3);
    const std::string start = " (" + listed[0] + ", " + listed[1] + ", " + listed[2] + " and ";
    const std::string_view end = " more)";
    const std::size_t at = text.find(start);
    if (at == std::string::npos) return;
    std::size_t hidden = 0;
    const char* const digits = text.data() + at + start.size();
    const char* const after = std::from_chars(digits, text.data() + text.size(), hidden).ptr;
    if (after == digits || !std::string_view(after).starts_with(end)) return;
    parts.limiting = names_in_sentence + hidden;
    text.erase(at, start.size() + static_cast<std::size_t>(after - digits) + end.size());
}

}  // namespace

std::string reason_of(const DecisionInputs& inputs, const Limits& limits, FieldIndex field, std::uint32_t subleaf,
                      const ValuesSeen& values, const std::vector<std::string>& limiting) {
    return Writer(inputs, limits).text(field, subleaf, values, limiting);
}

ReasonParts parts_of(const Decision& decision, std::string_view why) {
    ReasonParts parts;
    parts.happened = decision.reason;
    parts.limiting = decision.because.size();
    if (!why.empty() && parts.happened.ends_with(" " + std::string(why))) {
        parts.happened.resize(parts.happened.size() - why.size() - 1);
    }
    for (const auto& [cause, opening] : openings) {
        if (parts.happened.starts_with(opening)) parts.cause = cause;
    }
    take_out_hosts(decision.because, parts);
    return parts;
}

}  // namespace poolcpuid::merge
