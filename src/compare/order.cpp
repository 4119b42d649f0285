#include "compare/order.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "promises/seen_value.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::compare {

namespace {

using promises::Component;
using promises::HostPromises;
using promises::Number;
using promises::promises_by_bits;
using promises::promises_by_number;
using promises::SeenValue;
using promises::VendorRules;
using promises::ViewReader;

class Comparison {
public:
    Comparison(const VendorRules& rules, const HostPromises& promised, const HostPromises& kept)
        : rules_(rules),
          rulebook_(rules.rulebook()),
          promised_(promised),
          kept_(kept),
          registers_(rules, *promised.table, *promised.msrs, true) {
        for (const Dependency& dependency : rulebook_.dependencies) {
            const bool is_meant = dependency.where_had && (dependency.vendors & rules.vendor_mask()) != 0;
            if (is_meant) where_had_.push_back(&dependency);
        }
    }

    std::vector<BrokenAtom> run() {
        std::size_t guard = 0;
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                if (rules_.bits_of(field, subleaf) == 0) continue;
                const bool guarded = field.rule == Rule::guarded;
                if (!is_void(field)) {
                    const bool is_silent = guarded && is_no_news(guard, index, subleaf);
                    if (promises_by_bits(field.rule) && !is_silent) compare_bits(index, subleaf);
                    if (guarded) compare_scrub(guard, index, subleaf);
                    if (promises_by_number(field.rule)) compare_number(index, subleaf);
                }
                if (guarded) ++guard;
            }
        }
        if (rules_.microcode() != no_field) compare_microcode(rules_.microcode());
        for (const XsaveComponent& component : rulebook_.xsave) compare_component(component);
        return std::move(broken_);
    }

private:
    // While its gate is 0 in the policy, a field says nothing there.
    bool is_void(const Field& field) const {
        if (field.gate == no_field) return false;
        const Field& gate = rulebook_[field.gate];
        return registers_.field(gate, gate.subleaf_first).value_or(0) == 0;
    }

    void add(AtomKind kind, FieldIndex index, std::uint32_t subleaf, bool known, Makers made_by = Makers::none) {
        const SeenValue before = seen_value(rules_, promised_, index, subleaf);
        const SeenValue after = seen_value(rules_, kept_, index, subleaf);
        BrokenAtom atom;
        atom.kind = kind;
        atom.field = index;
        atom.subleaf = subleaf;
        atom.known = known;
        atom.impact = impact(rulebook_[index]);
        atom.made_by = made_by;
        atom.promised = before.value;
        atom.kept = after.value;
        broken_.push_back(atom);
    }

    // XBEGIN faults without RTM, and only aborts where RTM_ALWAYS_ABORT stands in its place.
    Impact impact(const Field& field) const {
        for (const Easing& easing : field.eased_by) {
            if (holds(kept_.easings, easing.field)) return easing.impact;
        }
        return field.impact;
    }

    void compare_bits(FieldIndex index, std::uint32_t subleaf) {
        const Field& field = rulebook_[index];
        const std::size_t word = *rules_.find_word(index, subleaf);
        const std::uint64_t broken =
            promised_.atoms.words[word] & ~kept_.atoms.words[word] & field.mask() & ~beyond_length(field, subleaf);
        if (broken == 0) return compare_effect(index, subleaf, word);
        if (is_other_name(index, subleaf)) return;
        const bool known = (broken & ~kept_.unknown[word]) != 0;
        const bool made = !known && (broken & ~kept_.made[word]) == 0;
        const bool given = made && (broken & ~kept_.given[word]) == 0;
        add(AtomKind::bits, index, subleaf, known, given ? Makers::all : made ? Makers::some : Makers::none);
        broken_.back().by_microcode = !known && (broken & ~kept_.by_microcode[word]) == 0;
    }

    // What is there does nothing beside a field that the guest was not shown and the other side has.
    void compare_effect(FieldIndex index, std::uint32_t subleaf, std::size_t word) {
        const std::uint64_t bits = rulebook_[index].mask();
        if ((promised_.atoms.words[word] & bits) == 0) return;
        for (const Dependency* dependency : where_had_) {
            const auto& needed = dependency->prerequisites;
            if (!holds(dependency->dependents, index) ||
                std::any_of(needed.begin(), needed.end(), [&](FieldIndex each) { return is_shown(each); }))
                continue;
            const auto had = std::find_if(needed.begin(), needed.end(),
                                          [&](FieldIndex each) { return promises::may_have(rules_, kept_, each); });
            if (had == needed.end()) continue;
            const std::size_t at = *rules_.find_word(*had, rulebook_[*had].subleaf_first);
            add(AtomKind::bits, index, subleaf, (kept_.unknown[at] & rulebook_[*had].mask()) == 0);
            broken_.back().void_beside = *had;
            return;
        }
    }

    // Bits that are there no more because a vector is shorter: its length tells of them.
    std::uint64_t beyond_length(const Field& field, std::uint32_t subleaf) const {
        if (field.length_from == no_field) return 0;
        const auto length = rules_.find_number(field.length_from, subleaf);
        if (!length) return 0;
        const Number& kept = kept_.atoms.numbers[*length];
        return kept.known ? field.mask() & ~(bits_below(kept.value) << field.low) : 0;
    }

    // RSBA and RRSBA break together; one of them is the name under which the other side has it.
    bool is_other_name(FieldIndex index, std::uint32_t subleaf) const {
        const RetpolineBits* group = rules_.retpoline_of(index);
        if (group == nullptr) return false;
        const SeenValue seen = seen_value(rules_, kept_, index, subleaf);
        return seen.known ? seen.value == 0 : index != group->rsba;
    }

    // That VERW is asked for is no news of an immune host, nor to a guest that counts on VERW already where that is
    // minded.
    bool is_no_news(std::size_t guard, FieldIndex index, std::uint32_t subleaf) const {
        const std::uint64_t bit = std::uint64_t{1} << guard;
        if ((kept_.immune & bit) != 0) return true;
        return (kept_.heeds & bit) != 0 && counts_on_scrub(index, subleaf);
    }

    bool counts_on_scrub(FieldIndex index, std::uint32_t subleaf) const {
        const auto value_of = [&](FieldIndex field, std::uint32_t at) {
            return registers_.field(rulebook_[field], at).value_or(0);
        };
        return rules_.asks_for_scrub({index, subleaf}, value_of);
    }

    // Only a guest that was told that VERW scrubs counts on it.
    void compare_scrub(std::size_t guard, FieldIndex index, std::uint32_t subleaf) {
        const std::uint64_t bit = std::uint64_t{1} << guard;
        if ((promised_.atoms.scrubs & ~kept_.atoms.scrubs & bit) == 0) return;
        if (!counts_on_scrub(index, subleaf)) return;
        add(AtomKind::scrub, index, subleaf, (kept_.scrub_unknown & bit) == 0);
    }

    void compare_number(FieldIndex index, std::uint32_t subleaf) {
        const auto slot = rules_.find_number(index, subleaf);
        if (!slot) return;
        const Rule rule = rulebook_[index].rule;
        const Number& before = promised_.atoms.numbers[*slot];
        const Number& after = kept_.atoms.numbers[*slot];
        const bool elsewhere = is_of_other_model(index);
        if (stands_for_other(index, subleaf, after)) return;
        if (!promises(index, before) || (!elsewhere && meet(rule, before, after) == before)) return;
        // The least that the architecture allows was taken for what the dump does not say.
        // Of more than the rulebook describes nobody knows whether it is what the guest was promised.
        const bool undescribed = !elsewhere && after.known && after.value == rulebook_[index].known_to &&
                                 before.value <= kept_.undescribed_value(*slot).value_or(0);
        const bool known = elsewhere || (after.known && !kept_.assumes(index) && !undescribed);
        const bool is_made = !known && !undescribed;
        add(AtomKind::number, index, subleaf, known, is_made ? makers_of_number(rulebook_[index]) : Makers::none);
        broken_.back().undescribed = undescribed;
        broken_.back().of_other_model = elsewhere;
    }

    // Of what a hypervisor's view would tell that the host has not.
    Makers makers_of_number(const Field& field) const {
        const bool is_of_hypervisor = field.assured != 0 || field.hypervisor != no_hypervisor;
        return is_of_hypervisor && kept_.has_hardware_view && !kept_.has_hypervisor_view ? Makers::some : Makers::none;
    }

    // Another field, which is compared by itself, is the number: zero says so, and the other side has no lower one.
    bool stands_for_other(FieldIndex index, std::uint32_t subleaf, const Number& kept) const {
        const Field& field = rulebook_[index];
        if (field.zero_means_field == no_field || registers_.field(field, subleaf).value_or(0) != 0) return false;
        const auto other = rules_.find_number(field.zero_means_field, subleaf);
        return other && kept_.atoms.numbers[*other] == kept;
    }

    // Of the fields that mean something on their own model of CPU only the first stands for the group.
    bool is_of_other_model(FieldIndex index) const {
        if (model_bits(promised_.leaf1_eax) == model_bits(kept_.leaf1_eax)) return false;
        return std::any_of(rulebook_.equality.begin(), rulebook_.equality.end(),
                           [&](const EqualityGroup& group) { return group.of_model && group.fields.front() == index; });
    }

    // A limit of 0 promises nothing, and an obligation of 0 the most: one with all bits set promises nothing. A format
    // of 0 is a format as long as another field of its equality group is there, or a feature to which it gives a
    // meaning.
    bool promises(FieldIndex index, const Number& number) const {
        const Field& field = rulebook_[index];
        if (field.rule == Rule::max) return number.value != field.mask() >> field.low;
        if (number.value != 0) return true;
        if (field.rule != Rule::equal) return false;
        const auto is_used = [&](FieldIndex other) { return other != index && is_shown(other); };
        return std::any_of(rulebook_.equality.begin(), rulebook_.equality.end(), [&](const EqualityGroup& group) {
            return holds(group.fields, index) && (std::any_of(group.drop.begin(), group.drop.end(), is_used) ||
                                                  std::any_of(group.fields.begin(), group.fields.end(), is_used));
        });
    }

    static bool holds(std::span<const FieldIndex> fields, FieldIndex index) {
        return std::find(fields.begin(), fields.end(), index) != fields.end();
    }

    bool is_shown(FieldIndex index) const {
        const Field& field = rulebook_[index];
        return rules_.applies(field) && registers_.field(field, field.subleaf_first).value_or(0) != 0;
    }

    // A revision says something only on CPUs of the signature that the guest was shown.
    void compare_microcode(FieldIndex index) {
        const auto before = promised_.atoms.microcode.find(promised_.leaf1_eax);
        const auto after = kept_.atoms.microcode.find(promised_.leaf1_eax);
        if (before == promised_.atoms.microcode.end() || after == kept_.atoms.microcode.end()) return;
        if (before->second.value == 0 || meet(Rule::min, before->second, after->second) == before->second) return;
        BrokenAtom atom;
        atom.kind = AtomKind::number;
        atom.field = index;
        atom.known = after->second.known;
        atom.impact = rulebook_[index].impact;
        atom.promised = before->second.value;
        atom.kept = after->second.value;
        broken_.push_back(atom);
    }

    void compare_component(const XsaveComponent& component) {
        const Component& before = promised_.atoms.components[component.bit];
        const Component& after = kept_.atoms.components[component.bit];
        if (!before.promised || before == after) return;
        BrokenAtom atom;
        atom.kind = AtomKind::component;
        atom.component = component.bit;
        atom.known = ((kept_.components_unknown >> component.bit) & 1U) == 0;
        atom.impact = Impact::crash;
        atom.promised_layout = before;
        atom.kept_layout = after;
        broken_.push_back(atom);
    }

    const VendorRules& rules_;
    const Rulebook& rulebook_;
    const HostPromises& promised_;
    const HostPromises& kept_;
    ViewReader registers_;
    std::vector<const Dependency*> where_had_;  // of this vendor
    std::vector<BrokenAtom> broken_;
};

}  // namespace

std::vector<BrokenAtom> broken_atoms(const VendorRules& rules, const HostPromises& promised, const HostPromises& kept) {
    return Comparison(rules, promised, kept).run();
}

}  // namespace poolcpuid::compare
