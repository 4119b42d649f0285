#include "merge/options.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "base/printable.hpp"
#include "merge/ceiling.hpp"
#include "merge/decisions.hpp"
#include "merge/shown.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

// Whether a host that has seen keeps the promise that value makes. One that promises nothing is kept by a host of which
// nothing is known; of a minimum that is what stands in for it there.
bool keeps(const Field& field, const SeenValue& seen, std::uint64_t value) {
    const std::uint64_t all = field.mask() >> field.low;
    switch (field.rule) {
        case Rule::identity: return true;
        case Rule::intersect:
            return value == 0 ||
                   (seen.known && ((value << field.low) & ~with_covered(field, seen.value << field.low)) == 0);
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
    const bool has_own_promise = promises_by_bits(rule) && rule != Rule::group;
    return has_own_promise || promises_by_number(rule) || rule == Rule::identity;
}

class Overrides {
public:
    Overrides(const MergeOptions& options, const std::vector<Variant>& variants, Draft& draft)
        : options_(options),
          variants_(variants),
          draft_(draft),
          plan_(draft.plan()),
          rulebook_(draft.plan().rulebook()) {}

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
        for (const auto& [name, value] : options_.set) asked.insert(field_named(plan_, name, "--set"));
        const Shown shown(plan_, asked);
        for (const FieldIndex index : plan_.fields()) {
            if (shown.is_unasked(index)) draft_.take_out(index, {Cause::not_asked, 0});
        }
    }

    void ask_for(const std::string& name, std::set<FieldIndex>& asked) {
        if (is_group_to_show(rulebook_, name)) {
            const std::vector<FieldIndex> group = fields_shown_by(rulebook_, name);
            asked.insert(group.begin(), group.end());
            return;
        }
        const FieldIndex index = field_named(plan_, name, "--show");
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
            const FieldIndex index = field_named(plan_, name, "--hide");
            hidden_.insert(index);
            const Rule rule = rulebook_[index].rule;
            if (rule == Rule::hide) continue;
            if (!promises_by_bits(rule)) {
                throw UsageError("--hide " + name + ": a field of the rule " + std::string(to_string(rule)) +
                                 " has no weakest value to show");
            }
            draft_.weaken(index, {Cause::hidden, 0});
        }
    }

    void set() {
        std::map<FieldIndex, std::uint64_t> values;
        for (const auto& [name, text] : options_.set) {
            const FieldIndex index = field_named(plan_, name, "--set");
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
                return !keeps(field, seen_value(plan_, *variant.promises, index, field.subleaf_first), value);
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
    const Plan& plan_;
    const Rulebook& rulebook_;
    std::set<FieldIndex> hidden_;
};

}  // namespace

void apply_options(const MergeOptions& options, const std::vector<Variant>& variants, Draft& draft) {
    Overrides(options, variants, draft).apply();
}

void check_set_survived(const MergeOptions& options, const Draft& draft) {
    for (const auto& [name, text] : options.set) {
        const FieldIndex index = field_named(draft.plan(), name, "--set");
        const Field& field = draft.plan().rulebook()[index];
        const std::uint64_t wanted = parse_value(field, text);
        if (draft.value(index, field.subleaf_first) != wanted) {
            throw NoPolicyError("--set " + name + "=" + text +
                                ": the field goes with another that the pool does not have");
        }
    }
}

namespace {

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
            if (field_named(draft_.plan(), name, "--hide") == index) return "--hide " + name;
        }
        return {};
    }

    std::string set(FieldIndex index) const {
        for (const auto& [name, text] : options_.set) {
            if (field_named(draft_.plan(), name, "--set") == index) return "--set " + name + "=" + text;
        }
        return {};
    }

    std::string behind_prerequisites(std::size_t dependency) {
        for (const FieldIndex index : draft_.plan().rulebook().dependencies[dependency].prerequisites) {
            if (std::string option = option_behind(index); !option.empty()) return option;
        }
        return {};
    }

    const MergeOptions& options_;
    const Draft& draft_;
    std::set<FieldIndex> seen_;
};

}  // namespace

void check_base_survived(const MergeOptions& options, const Draft& draft) {
    const Rulebook& rulebook = draft.plan().rulebook();
    for (const FieldIndex index : draft.plan().fields()) {
        const Field& field = rulebook[index];
        if (!field.required || !promises_by_bits(field.rule)) continue;
        if (draft.value(index, field.subleaf_first) == field.mask() >> field.low) continue;
        const std::string option = Blame(options, draft).option_behind(index);
        throw NoPolicyError((option.empty() ? "it would be" : option + ": the policy would be") + " without " +
                            std::string(field.id) + ", and no 64-bit guest runs without that");
    }
}

std::uint64_t parse_value(const Field& field, const std::string& text) {
    std::uint64_t value = 0;
    const bool hex = text.starts_with("0x");
    const char* first = text.data() + (hex ? 2 : 0);
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(first, last, value, hex ? 16 : 10);
    if (error != std::errc{} || end != last || first == last) {
        throw UsageError("--set " + std::string(field.id) + ": \"" + text + "\" is not a number");
    }
    if (value > (field.mask() >> field.low)) {
        throw UsageError("--set " + std::string(field.id) + ": " + text + " does not fit into bits " +
                         bits_text(field));
    }
    return value;
}

FieldIndex field_named(const Plan& plan, const std::string& name, const char* option) {
    const Rulebook& rulebook = plan.rulebook();
    std::vector<FieldIndex> found;
    const FieldIndex exact = rulebook.find(name);
    if (exact != no_field) {
        found.push_back(exact);
    } else {
        found = rulebook.find_any_name(name);
        std::erase_if(found, [&](FieldIndex index) { return !plan.applies(rulebook[index]); });
    }
    const std::string where = std::string(option) + " " + name + ": ";
    if (found.empty()) {
        throw UsageError(where + "no field of this vendor has that name" +
                         rulebook::did_you_mean(rulebook, plan.vendor_mask(), name) + " (see poolcpuid rules list)");
    }
    if (found.size() > 1) {
        std::string ids;
        for (const FieldIndex index : found) ids += " " + std::string(rulebook[index].id);
        throw UsageError(where + "more than one field has that name:" + ids);
    }
    const Field& field = rulebook[found.front()];
    if (!plan.applies(field)) throw UsageError(where + "not a field of this pool's vendor");
    return found.front();
}

}  // namespace poolcpuid::merge

namespace poolcpuid {

namespace merge {

namespace {

void sort_once(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

RecordedOptions recorded(const MergeOptions& options, const Plan& plan) {
    const Rulebook& rulebook = plan.rulebook();
    const auto id_of = [&](const std::string& name, const char* option) {
        return std::string(rulebook[field_named(plan, name, option)].id);
    };
    RecordedOptions record;
    record.identity = options.identity;
    if (!options.ceiling_level.empty()) record.ceiling_level = ceiling_id(plan, options.ceiling_level);
    if (options.ceiling_policy) {
        record.ceiling_policy = {options.ceiling_policy->pool, sha256_of(*options.ceiling_policy)};
    }
    for (const std::string& name : options.hide) record.hide.push_back(id_of(name, "--hide"));
    for (const std::string& name : options.show) {
        record.show.push_back(is_group_to_show(rulebook, name) ? name : id_of(name, "--show"));
    }
    for (const auto& [name, text] : options.set) {
        const Field& field = rulebook[field_named(plan, name, "--set")];
        record.set.emplace_back(field.id, to_hex(parse_value(field, text)));
    }
    sort_once(record.hide);
    sort_once(record.show);
    std::sort(record.set.begin(), record.set.end());
    return record;
}

}  // namespace merge

MergeOptions options_of(const PoolPolicy& policy, std::optional<PoolPolicy> ceiling) {
    const RecordedOptions& record = policy.options;
    const bool joined = record.ceiling_policy.has_value();
    if (joined && !ceiling) {
        throw UsageError("the policy was made with --ceiling POLICY (of the pool " +
                         printable(record.ceiling_policy->pool) + "): give that policy with --ceiling again");
    }
    if (ceiling && (!joined || sha256_of(*ceiling) != record.ceiling_policy->sha256)) {
        throw UsageError("--ceiling: not the policy that this one was made with" +
                         std::string(joined ? " (sha256 " + record.ceiling_policy->sha256 + ")" : ", which was none"));
    }
    MergeOptions options;
    options.pool = policy.pool;
    options.identity = record.identity;
    options.ceiling_level = record.ceiling_level;
    options.ceiling_policy = std::move(ceiling);
    options.hide = record.hide;
    options.show = record.show;
    options.set = record.set;
    return options;
}

MergeOptions without_lost_identity(MergeOptions options, const PoolState& state) {
    const auto names = state.names();
    const bool there = std::any_of(names.begin(), names.end(), [&](const auto& entry) {
        return entry.first == options.identity || entry.second == options.identity;
    });
    if (!there) options.identity.clear();
    return options;
}

}  // namespace poolcpuid
