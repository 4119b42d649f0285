#include "merge/decisions.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "merge/limits.hpp"
#include "policy/reason.hpp"
#include "promises/seen_value.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::merge {

namespace {

// Whether VERW scrubs what the guard is about, or need not, on every host.
bool scrubs(const Draft& draft, std::size_t guard) { return ((draft.atoms().scrubs >> guard) & 1U) != 0; }

// Whether VERW scrubs wherever a guest runs that counts on it for this guarded bit; nothing where a guest does not.
std::optional<bool> told_scrubs(const Draft& draft, FieldIndex field, std::uint32_t subleaf) {
    const std::size_t guard = *draft.rules().find_guard(field, subleaf);
    if (!draft.asks_for_scrub(draft.rules().guards()[guard])) return std::nullopt;
    return scrubs(draft, guard);
}

// What a host has of an XSAVE state. Sizes and places are read together, so that one that is not known is one value.
struct SeenState {
    bool known = false;
    std::uint64_t size = 0;
    StatePlace at;

    friend auto operator<=>(const SeenState&, const SeenState&) = default;
};

class Decider {
public:
    explicit Decider(const DecisionInputs& inputs)
        : in_(inputs), limits_(inputs), rules_(inputs.draft.rules()), rulebook_(inputs.draft.rules().rulebook()) {
        for (const FieldIndex index : rules_.fields()) {
            if (rules_.lays_out_state(rulebook_[index])) layout_fields_.push_back(index);
        }
        note_odd_bits();
        note_odd_rows();
    }

    std::vector<Decision> run() const {
        std::vector<Subject> subjects = subjects_to_decide();
        const auto key = [&](const Subject& subject) {
            const BitPlace place = rulebook_[subject.index].place(subject.subleaf);
            return std::tuple(place.is_msr, place.leaf, place.subleaf_first, place.reg, place.low);
        };
        std::stable_sort(subjects.begin(), subjects.end(),
                         [&](const Subject& a, const Subject& b) { return key(a) < key(b); });
        std::vector<Decision> decisions;
        decisions.reserve(subjects.size());
        for (const Subject& subject : subjects) {
            decisions.push_back(subject.state == nullptr ? decide_field(subject) : decide_state(subject));
        }
        return decisions;
    }

private:
    // What there is something to say about: a field in one subleaf, or an XSAVE state, whose size it is then.
    struct Subject {
        FieldIndex index = no_field;
        std::uint32_t subleaf = 0;
        const XsaveComponent* state = nullptr;
        std::vector<promises::SeenValue> seen{};  // of a field: on each variant
    };

    std::vector<Subject> subjects_to_decide() const {
        std::vector<Subject> subjects;
        std::vector<promises::SeenValue> seen;
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.rule == Rule::owned) continue;
            const bool may_be_plain = !is_override(index) && field.rule != Rule::guarded;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                if (limits_.state_of(index, subleaf) != nullptr || rules_.bits_of(field, subleaf) == 0) continue;
                if (may_be_plain && has_plain_source(index, subleaf)) continue;
                see_on_each(index, subleaf, seen);
                if (is_told(index, subleaf, seen)) subjects.push_back({index, subleaf, nullptr, seen});
            }
        }
        for (const XsaveComponent& component : rulebook_.xsave) {
            const FieldIndex size = size_to_tell(component);
            if (size != no_field) subjects.push_back({size, component.bit, &component});
        }
        return subjects;
    }

    // Whether what the field is read from shows at once that there is nothing to say: most of them, at little cost.
    bool has_plain_source(FieldIndex index, std::uint32_t subleaf) const {
        return has_plain_bits(index, subleaf) || has_plain_row(index, subleaf) || has_plain_number(index, subleaf);
    }

    // A bit that is read as the same on every variant, of which no more is known, and that the policy has likewise, is
    // plain. Most are, and a word has many: so whole words are compared, not each bit on each variant.
    void note_odd_bits() {
        const promises::HostPromises& first = *in_.variants.front().promises;
        odd_bits_.resize(rules_.words().size());
        for (const Variant& variant : in_.variants) {
            const promises::HostPromises& host = *variant.promises;
            for (std::size_t w = 0; w < odd_bits_.size(); ++w) {
                odd_bits_[w] |= (host.atoms.words[w] ^ first.atoms.words[w]) | host.unknown[w] | host.modelled[w] |
                                host.implied[w] | host.withheld[w];
            }
        }
        for (std::size_t w = 0; w < odd_bits_.size(); ++w) {
            const promises::PromiseWord& word = rules_.words()[w];
            odd_bits_[w] |= word.promises_of(bits_in(in_.rows, word.place)) ^ first.atoms.words[w];
        }
    }

    // Whether the field, which nothing but its own bits decides about, has bits that all are plain.
    bool has_plain_bits(FieldIndex index, std::uint32_t subleaf) const {
        const Field& field = rulebook_[index];
        const auto word = rules_.find_word(index, subleaf);
        return word && (odd_bits_[*word] & field.mask()) == 0 && field.covers.empty() &&
               rules_.retpoline_of(index) == nullptr;
    }

    // A row of CPUID is plain that is the same on every variant and in the policy. What no host has is, and so are
    // most.
    void note_odd_rows() {
        std::set<LeafKey> keys;
        for (const auto& [key, row] : in_.rows.cpuid) keys.insert(keys.end(), key);
        for (const Variant& variant : in_.variants) {
            for (const CpuidRow& row : variant.promises->table->rows) keys.insert(row.key);
        }
        std::copy_if(keys.begin(), keys.end(), std::back_inserter(odd_rows_),
                     [&](const LeafKey& key) { return !is_same_row(key); });
    }

    bool is_same_row(const LeafKey& key) const {
        const auto found = in_.rows.cpuid.find(key);
        const Registers policy = found == in_.rows.cpuid.end() ? Registers{} : found->second;
        return std::all_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
            const Registers* own = variant.promises->table->find(key);
            return (own == nullptr ? Registers{} : *own) == policy;
        });
    }

    // Whether the field, which promises nothing and is read from a row of CPUID alone, is in a plain one that is known.
    bool has_plain_row(FieldIndex index, std::uint32_t subleaf) const {
        const Field& field = rulebook_[index];
        if (field.is_msr || promises::promises_by_bits(field.rule) || promises::promises_by_number(field.rule))
            return false;
        const LeafKey key{field.leaf, subleaf};
        return !std::binary_search(odd_rows_.begin(), odd_rows_.end(), key) &&
               std::none_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
                   return variant.promises->table->unknown_in(key, field.reg) != 0;
               });
    }

    // Whether the field is a number that every variant is known to have, and the policy, too.
    bool has_plain_number(FieldIndex index, std::uint32_t subleaf) const {
        const auto slot = rules_.find_number(index, subleaf);
        if (!slot) return false;
        const std::uint64_t value = value_in(in_.rows, rulebook_[index], subleaf);
        return std::all_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
            const promises::HostPromises& host = *variant.promises;
            const promises::Number& number = host.atoms.numbers[*slot];
            return number.known && number.value == value && !host.assumes(index);
        });
    }

    // Puts into seen what the field is on each variant. Most fields are the same on all of them, and need no map.
    void see_on_each(FieldIndex index, std::uint32_t subleaf, std::vector<promises::SeenValue>& seen) const {
        seen.clear();
        for (const Variant& variant : in_.variants) {
            seen.push_back(promises::brought_value(rules_, *variant.promises, index, subleaf));
        }
    }

    // Whether there is nothing to say: all hosts say the same and the policy says it too. seen: on each variant.
    bool is_plain(FieldIndex index, std::uint32_t subleaf, std::uint64_t value,
                  const std::vector<promises::SeenValue>& seen) const {
        const Field& field = rulebook_[index];
        const promises::SeenValue& first = seen.front();
        // A number that is 0 by its meaning (see zero_means) agrees with what it stands for.
        const bool stands_for = value == 0 && field.zero_means_field != no_field;
        const bool as_read = first.known && !first.modelled;
        const auto is_as_first = [&](const promises::SeenValue& other) { return other == first; };
        const auto is_hidden = [&](const Variant& variant) {
            return promises::is_withheld(rules_, *variant.promises, index, subleaf);
        };
        if (as_read && (first.value == value || stands_for) && std::all_of(seen.begin(), seen.end(), is_as_first) &&
            std::none_of(in_.variants.begin(), in_.variants.end(), is_hidden)) {
            return true;
        }
        // What is never shown is no decision as long as nobody has it.
        const auto is_zero = [](const promises::SeenValue& other) { return other.value == 0; };
        const bool has_promise = promises::promises_by_bits(field.rule) || promises::promises_by_number(field.rule);
        return value == 0 && std::all_of(seen.begin(), seen.end(), is_zero) &&
               (!has_promise || in_.draft.is_out_of_sight(index));
    }

    // What an operator asked for is told, be it what the hosts agree on.
    bool is_override(FieldIndex index) const {
        const Cause cause = in_.draft.fate(index).cause;
        return cause == Cause::set || cause == Cause::hidden || in_.draft.idle_option(index) != Cause::agreement;
    }

    bool is_told(FieldIndex index, std::uint32_t subleaf, const std::vector<promises::SeenValue>& seen) const {
        return is_override(index) || !scrubbed(index, subleaf).value_or(true) ||
               !is_plain(index, subleaf, value_in(in_.rows, rulebook_[index], subleaf), seen);
    }

    std::optional<bool> scrubbed(FieldIndex index, std::uint32_t subleaf) const {
        return rulebook_[index].rule == Rule::guarded ? told_scrubs(in_.draft, index, subleaf) : std::nullopt;
    }

    Decision decide_field(const Subject& subject) const {
        const auto& [index, subleaf, state, seen] = subject;
        ValuesSeen values;
        for (std::size_t i = 0; i < seen.size(); ++i) values[seen[i]].insert(&in_.variants[i]);
        Decision decision = decision_on(index, subleaf);
        decision.values.reserve(values.size());
        for (const auto& [value, variants] : values) add_value(decision.values, value, variants);
        put_cause(decision, index, subleaf);
        decision.scrubs = scrubbed(index, subleaf);
        put_remarks(decision, index, subleaf, values);
        decision.reason = document::reason_of(rulebook_, decision, index);
        return decision;
    }

    Decision decision_on(FieldIndex index, std::uint32_t subleaf) const {
        const Field& field = rulebook_[index];
        Decision decision;
        decision.field = field.id;
        decision.place = field.place(subleaf);
        decision.rule = to_string(field.rule);
        decision.value = value_in(in_.rows, field, subleaf);
        put_because(decision, index, subleaf);
        decision.mitigates = rulebook_.ids_mitigated_by(field, rules_.vendor_mask());
        return decision;
    }

    void put_because(Decision& decision, FieldIndex index, std::uint32_t subleaf) const {
        if (rulebook_[index].rule == Rule::identity && in_.draft.fate(index).cause == Cause::agreement) {
            decision.because = in_.identity.hosts;
            return;
        }
        Limiting limiting = limits_.of(index, subleaf);
        if (!limiting.unknown.empty()) {
            decision.because_known = list_of(limiting.known);
            decision.because_unknown = list_of(limiting.unknown);
        }
        limiting.known.merge(limiting.unknown);
        decision.because = list_of(limiting.known);
    }

    // The size of a state stands for its row: which of the fields differs is a detail of the layout. no_field where
    // there is nothing to say.
    FieldIndex size_to_tell(const XsaveComponent& component) const {
        FieldIndex size = no_field;
        bool all_plain = true;
        std::vector<promises::SeenValue> seen;
        for (const FieldIndex index : layout_fields_) {
            const Field& field = rulebook_[index];
            if (!field.is_in_subleaf(component.bit)) continue;
            if (field.reg == promises::size_register) size = index;
            const std::uint64_t value = value_in(in_.rows, field, component.bit);
            see_on_each(index, component.bit, seen);
            all_plain = all_plain && is_plain(index, component.bit, value, seen);
        }
        return all_plain ? no_field : size;
    }

    Decision decide_state(const Subject& subject) const {
        const XsaveComponent& component = *subject.state;
        Decision decision = decision_on(subject.index, component.bit);
        decision.state = component.id;
        put_layouts(decision, component, subject.index);
        decision.cause = limits_.cause_of(component);
        if (decision.cause == Cause::xsave_state) {
            for (const XsaveComponent& other : rulebook_.xsave) {
                const bool together = ((component.together >> other.bit) & 1U) != 0 && other.bit != component.bit;
                if (together && !limits_.is_kept(other)) decision.on.emplace_back(other.id);
            }
        } else if (decision.cause == Cause::dependency) {
            decision.on = ids_of(component.features);
        }
        decision.reason = document::reason_of(rulebook_, decision, subject.index);
        return decision;
    }

    void put_layouts(Decision& decision, const XsaveComponent& component, FieldIndex size) const {
        std::map<SeenState, VariantSet> layouts;
        for (const Variant& variant : in_.variants) {
            layouts[seen_state(*variant.promises, component, size)].insert(&variant);
        }
        for (const auto& [seen, variants] : layouts) {
            ValueOfHosts value = value_of(seen.known, seen.size, list_of(variants));
            if (seen.known && seen.size != 0) value.at = seen.at;
            decision.values.push_back(std::move(value));
        }
    }

    SeenState seen_state(const promises::HostPromises& host, const XsaveComponent& component, FieldIndex size) const {
        const promises::SeenValue seen = promises::seen_value(rules_, host, size, component.bit);
        const Registers* row = host.table->find({rulebook_[size].leaf, component.bit});
        if (!seen.known || seen.value == 0 || row == nullptr) return {seen.known, seen.value, {}};
        return {true, seen.value, promises::state_place_of(*row)};
    }

    void put_cause(Decision& decision, FieldIndex index, std::uint32_t subleaf) const {
        const Fate fate = in_.draft.fate(index);
        const Field& field = rulebook_[index];
        decision.cause = fate.cause;
        switch (fate.cause) {
            case Cause::agreement: put_cause_of_undecided(decision, index, subleaf); break;
            case Cause::gate: decision.on = {std::string(rulebook_[field.gate].id)}; break;
            case Cause::duty: decision.on = {std::string(rulebook_[static_cast<FieldIndex>(fate.detail)].id)}; break;
            case Cause::equality: decision.on = {std::string(rulebook_.equality[fate.detail].id)}; break;
            case Cause::dependency: decision.on = ids_of(rulebook_.dependencies[fate.detail].prerequisites); break;
            case Cause::xsave_state: decision.on = {std::string(rulebook_.xsave[fate.detail].id)}; break;
            default: break;
        }
    }

    // Of a field that nothing took or set. Where an option asks for what no host keeps from being more, there is
    // nothing else to say.
    void put_cause_of_undecided(Decision& decision, FieldIndex index, std::uint32_t subleaf) const {
        put_cause_of_kind(decision, index, subleaf);
        const Cause option = in_.draft.idle_option(index);
        const bool is_alone = decision.cause == Cause::hosts && decision.because.count == 0;
        if (is_alone && option != Cause::agreement) decision.cause = option;
    }

    void put_cause_of_kind(Decision& decision, FieldIndex index, std::uint32_t subleaf) const {
        const Field& field = rulebook_[index];
        decision.cause = document::cause_of(field);
        const XsaveComponent* state = rules_.state_of_row(field, subleaf);
        if (state != nullptr && !limits_.is_kept(*state)) {
            decision.cause = Cause::xsave_state;
            decision.on = {std::string(state->id)};
            return;
        }
        const bool is_void = field.gate != no_field && !in_.draft.present(field.gate);
        if (is_void && decision.cause != Cause::never) {
            decision.cause = Cause::gate;
            decision.on = {std::string(rulebook_[field.gate].id)};
        }
        const RetpolineBits* group = rules_.retpoline_of(index);
        if (group == nullptr) return;
        const FieldIndex other = index == group->rsba ? group->rrsba : group->rsba;
        if (!in_.draft.present(other)) return;
        decision.cause = Cause::group;
        decision.on = {std::string(rulebook_[other].id)};
    }

    void put_remarks(Decision& decision, FieldIndex index, std::uint32_t subleaf, const ValuesSeen& values) const {
        for (const auto& [kind, which] : {std::pair(Remark::Kind::modelled, &promises::SeenValue::modelled),
                                          std::pair(Remark::Kind::implied, &promises::SeenValue::implied)}) {
            VariantSet found;
            for (const auto& [seen, variants] : values) {
                if (seen.*which) found.insert(variants.begin(), variants.end());
            }
            if (!found.empty()) decision.remarks.push_back({kind, {}, list_of(found)});
        }
        // Of a CPU that can do more than guests are given.
        std::map<std::string, VariantSet> kernels;
        for (const Variant& variant : in_.variants) {
            if (promises::is_withheld(rules_, *variant.promises, index, subleaf))
                kernels[variant.promises->kernel].insert(&variant);
        }
        for (const auto& [kernel, variants] : kernels) {
            decision.remarks.push_back({Remark::Kind::withheld, kernel, list_of(variants)});
        }
    }

    HostList list_of(const VariantSet& variants) const { return hosts_of(variants, in_.most_names); }

    static ValueOfHosts value_of(bool known, std::uint64_t value, HostList hosts) {
        return {known ? std::optional(value) : std::nullopt,
                std::move(hosts.names),
                hosts.count,
                {},
                std::move(hosts.cpus)};
    }

    std::vector<std::string> ids_of(std::span<const FieldIndex> fields) const {
        std::vector<std::string> ids;
        for (const FieldIndex index : fields) ids.emplace_back(rulebook_[index].id);
        return ids;
    }

    void add_value(std::vector<ValueOfHosts>& out, const promises::SeenValue& seen, const VariantSet& variants) const {
        ValueOfHosts value = value_of(seen.known, seen.value, list_of(variants));
        const auto same =
            std::find_if(out.begin(), out.end(), [&](const ValueOfHosts& v) { return v.value == value.value; });
        if (same == out.end()) {
            out.push_back(std::move(value));
            return;
        }
        // The same value once as read, once from the model table, once implied.
        HostList hosts = same->list();
        hosts.add(value.list(), in_.most_names);
        *same = value_of(seen.known, seen.value, std::move(hosts));
    }

    const DecisionInputs& in_;
    const Limits limits_;
    const promises::VendorRules& rules_;
    const Rulebook& rulebook_;
    std::vector<FieldIndex> layout_fields_;  // of XSAVE states
    std::vector<std::uint64_t> odd_bits_;    // those about which there may be something to say, parallel to words
    std::vector<LeafKey> odd_rows_;          // and the rows, sorted
};

}  // namespace

std::vector<Decision> decide(const DecisionInputs& inputs) { return Decider(inputs).run(); }

std::vector<Decision> scrub_decisions(const Draft& draft) {
    std::vector<Decision> decisions;
    for (std::size_t i = 0; i < draft.rules().guards().size(); ++i) {
        const promises::GuardSlot& slot = draft.rules().guards()[i];
        const Field& field = draft.rules().rulebook()[slot.field];
        Decision decision;
        decision.field = field.id;
        decision.place = field.place(slot.subleaf);
        decision.scrubs = scrubs(draft, i);
        decisions.push_back(std::move(decision));
    }
    return decisions;
}

}  // namespace poolcpuid::merge
