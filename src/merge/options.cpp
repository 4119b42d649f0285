#include "merge/options.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "merge/ceiling.hpp"
#include "merge/option_names.hpp"
#include "merge/shown.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

// Whether a host that has seen keeps the promise that value makes. One that promises nothing is kept by a host of which
// nothing is known; of a minimum that is what stands in for it there.
bool keeps(const Field& field, const promises::SeenValue& seen, std::uint64_t value) {
    const std::uint64_t all = field.mask() >> field.low;
    switch (field.rule) {
        case Rule::identity: return true;
        case Rule::intersect:
            return value == 0 || (seen.known && ((value << field.low) &
                                                 ~promises::with_covered(field, seen.value << field.low)) == 0);
        case Rule::union_:
        case Rule::guarded: return value == all || (seen.known && (seen.value & ~value) == 0);
        case Rule::min: return value <= seen.value;
        case Rule::max: return value == all || (seen.known && value >= seen.value);
        case Rule::equal: return seen.known && value == seen.value;
        default: return false;
    }
}

// Whose CPU the guest is shown: the host's that lends its identity, with what guests infer from it and the microcode
// that goes with it.
bool is_of_signature(const Field& field) {
    return field.rule == Rule::identity && !field.is_msr && field.leaf == signature_key.leaf &&
           field.reg == Register::eax;
}

// 0 stands for the least that the architecture allows, so that less is none.
bool is_below_least(const Field& field, std::uint64_t value) {
    return field.rule == Rule::min && field.zero_has_meaning && field.zero_means_field == no_field &&
           value < field.zero_means;
}

bool can_be_set(Rule rule) noexcept {
    const bool has_own_promise = promises::promises_by_bits(rule) && rule != Rule::group;
    return has_own_promise || promises::promises_by_number(rule) || rule == Rule::identity;
}

class Overrides {
public:
    Overrides(const MergeOptions& options, const std::vector<Variant>& variants, Draft& draft)
        : options_(options),
          variants_(variants),
          draft_(draft),
          rules_(draft.rules()),
          rulebook_(draft.rules().rulebook()) {}

    void apply() {
        show();
        ceiling();
        hide();
        set();
    }

private:
    void show() {
        std::set<FieldIndex> asked;
        for (const std::string& name : options_.show) ask_for(name, asked);
        for (const auto& [name, value] : options_.set) asked.insert(field_named(rules_, name, "--set"));
        const Shown shown(rules_, asked);
        for (const FieldIndex index : rules_.fields()) {
            if (shown.is_unasked(index)) draft_.take_out(index, {Cause::not_asked, 0});
        }
    }

    void ask_for(const std::string& name, std::set<FieldIndex>& asked) {
        if (is_group_to_show(rulebook_, name)) {
            const std::vector<FieldIndex> group = fields_shown_by(rulebook_, name);
            asked.insert(group.begin(), group.end());
            return;
        }
        const FieldIndex index = field_named(rules_, name, "--show");
        if (rulebook_[index].exposure == Exposure::never) {
            throw UsageError("--show " + name +
                             ": never shown to a guest in a pool: " + std::string(rulebook_[index].why));
        }
        asked.insert(index);
    }

    void ceiling() {
        if (!options_.ceiling_level.empty()) apply_ceiling(options_.ceiling_level, draft_);
    }

    void hide() {
        for (const std::string& name : options_.hide) {
            const FieldIndex index = field_named(rules_, name, "--hide");
            hidden_.insert(index);
            const Rule rule = rulebook_[index].rule;
            if (rule == Rule::hide) continue;
            if (!promises::promises_by_bits(rule)) {
                throw UsageError("--hide " + name + ": a field of the rule " + std::string(to_string(rule)) +
                                 " has no weakest value to show");
            }
            draft_.weaken(index, {Cause::hidden, 0});
        }
    }

    void set() {
        std::map<FieldIndex, std::uint64_t> values;
        for (const auto& [name, text] : options_.set) {
            const FieldIndex index = field_named(rules_, name, "--set");
            const Field& field = rulebook_[index];
            if (is_of_signature(field)) {
                throw UsageError("--set " + name +
                                 ": guests are shown the family, model and stepping of a host, which --identity names");
            }
            if (!can_be_set(field.rule)) {
                throw UsageError("--set " + name + ": a field of the rule " + std::string(to_string(field.rule)) +
                                 " is not the operator's to set");
            }
            const std::uint64_t value = parse_value(field, text);
            if (is_below_least(field, value)) {
                throw UsageError("--set " + name + "=" + text + ": no CPU has less than " +
                                 std::to_string(field.zero_means));
            }
            if (values.try_emplace(index, value).first->second != value) {
                throw UsageError("--set " + name + ": set to two values");
            }
            if (hidden_.contains(index)) throw UsageError("--set " + name + ": hidden by --hide, too");
            const auto broken = variants_where(variants_, [&](const Variant& variant) {
                return !keeps(field, promises::seen_value(rules_, *variant.promises, index, field.subleaf_first),
                              value);
            });
            if (!broken.empty()) {
                const HostList hosts = hosts_of(broken, most_names);
                throw NoPolicyError("--set " + name + "=" + text + ": " + enumerate(hosts) +
                                    (hosts.count == 1 ? " does" : " do") + " not keep that promise");
            }
            draft_.set(index, value);
        }
    }

    const MergeOptions& options_;
    const std::vector<Variant>& variants_;
    Draft& draft_;
    const promises::VendorRules& rules_;
    const Rulebook& rulebook_;
    std::set<FieldIndex> hidden_;
};

}  // namespace

void apply_options(const MergeOptions& options, const std::vector<Variant>& variants, Draft& draft) {
    Overrides(options, variants, draft).apply();
}

void check_set_survived(const MergeOptions& options, const Draft& draft) {
    for (const auto& [name, text] : options.set) {
        const FieldIndex index = field_named(draft.rules(), name, "--set");
        const Field& field = draft.rules().rulebook()[index];
        const std::uint64_t wanted = parse_value(field, text);
        if (draft.value(index, field.subleaf_first) != wanted) {
            throw NoPolicyError("--set " + name + "=" + text +
                                ": the field goes with another that the pool does not have");
        }
    }
}

}  // namespace poolcpuid::merge
