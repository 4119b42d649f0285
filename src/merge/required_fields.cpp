#include "merge/required_fields.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "base/lists.hpp"
#include "merge/option_names.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid::merge {

namespace {

// The hosts; where it is the ceiling alone, the option.
std::string who_of(const VariantSet& variants, const HostList& hosts) {
    const bool is_ceiling =
        std::all_of(variants.begin(), variants.end(), [](const Variant* variant) { return variant->is_ceiling; });
    return is_ceiling ? "--ceiling: the policy " + document::enumerate(hosts) : document::enumerate(hosts);
}

// What their dumps lack for it to be known, where that is in them; else nothing.
std::string why_unknown(const VariantSet& variants, const HostGroups& groups) {
    const auto is_of_these = [&](const HostGroup& group) {
        return std::any_of(variants.begin(), variants.end(),
                           [&](const Variant* variant) { return variant->promises == group.promises; });
    };
    const auto has_note = [&](const char* code) {
        return std::any_of(groups.begin(), groups.end(), [&](const auto& entry) {
            const std::vector<DumpNote>& notes = entry.second.notes;
            return is_of_these(entry.second) &&
                   std::any_of(notes.begin(), notes.end(), [&](const DumpNote& note) { return note.code == code; });
        });
    };
    if (has_note("truncated")) return ": the dump is cut short, take it again";
    if (has_note("partial-host")) return ": the dump lists names of features, and may be cut short";
    return "";
}

// lacking and unknown: hosts that are known not to have the field, and of which that is not known.
void refuse_without(const Field& field, const VariantSet& lacking, const VariantSet& unknown,
                    const HostGroups& groups) {
    if (lacking.empty() && unknown.empty()) return;
    std::vector<std::string> parts;
    if (!lacking.empty()) {
        const HostList hosts = hosts_of(lacking, most_names);
        parts.push_back(who_of(lacking, hosts) + (hosts.count == 1 ? " does" : " do") + " not have " +
                        std::string(field.id));
    }
    if (!unknown.empty()) {
        const HostList hosts = hosts_of(unknown, most_names);
        parts.push_back(who_of(unknown, hosts) + (hosts.count == 1 ? " is" : " are") + " not known to have " +
                        std::string(field.id));
    }
    throw NoPolicyError(joined(parts, ", and ") + ", without which no 64-bit guest runs" +
                        why_unknown(unknown, groups));
}

// Which of the options is behind a field that a draft does not have.
class Blame {
public:
    Blame(const MergeOptions& options, const Draft& draft) : options_(options), draft_(draft) {}

    // "--hide lm"; empty: none of them.
    std::string option_behind(FieldIndex index) {
        if (!seen_.insert(index).second) return {};
        const Fate fate = draft_.fate(index);
        switch (fate.cause) {
            case Cause::ceiling: return "--ceiling " + options_.ceiling_level;
            case Cause::hidden: return hidden(index);
            case Cause::set: return set(index);
            case Cause::gate:
            case Cause::duty: return option_behind(static_cast<FieldIndex>(fate.detail));
            case Cause::dependency: return behind_prerequisites(fate.detail);
            default: return {};
        }
    }

private:
    std::string hidden(FieldIndex index) const {
        for (const std::string& name : options_.hide) {
            if (field_named(draft_.rules(), name, "--hide") == index) return "--hide " + name;
        }
        return {};
    }

    std::string set(FieldIndex index) const {
        for (const auto& [name, text] : options_.set) {
            if (field_named(draft_.rules(), name, "--set") == index) return "--set " + name + "=" + text;
        }
        return {};
    }

    std::string behind_prerequisites(std::size_t dependency) {
        for (const FieldIndex index : draft_.rules().rulebook().dependencies[dependency].prerequisites) {
            if (std::string option = option_behind(index); !option.empty()) return option;
        }
        return {};
    }

    const MergeOptions& options_;
    const Draft& draft_;
    std::set<FieldIndex> seen_;
};

}  // namespace

void require_on_hosts(const promises::VendorRules& rules, const std::vector<Variant>& variants,
                      const HostGroups& groups) {
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (!field.required || !promises::promises_by_bits(field.rule)) continue;
        const std::uint64_t all = field.mask() >> field.low;
        const auto without = [&](bool is_known) {
            return variants_where(variants, [&](const Variant& variant) {
                const auto seen = promises::seen_value(rules, *variant.promises, index, field.subleaf_first);
                return seen.value != all && seen.known == is_known;  // what is not known reads as 0
            });
        };
        refuse_without(field, without(true), without(false), groups);
    }
}

void require_in_draft(const MergeOptions& options, const Draft& draft) {
    const Rulebook& rulebook = draft.rules().rulebook();
    for (const FieldIndex index : draft.rules().fields()) {
        const Field& field = rulebook[index];
        if (!field.required || !promises::promises_by_bits(field.rule)) continue;
        if (draft.value(index, field.subleaf_first) == field.mask() >> field.low) continue;
        const std::string option = Blame(options, draft).option_behind(index);
        throw NoPolicyError((option.empty() ? "it would be" : option + ": the policy would be") + " without " +
                            std::string(field.id) + ", and no 64-bit guest runs without that");
    }
}

}  // namespace poolcpuid::merge
