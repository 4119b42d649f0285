#include "compare/field_changes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "compare/breach.hpp"
#include "compare/change_words.hpp"
#include "compare/order.hpp"
#include "compare/side_values.hpp"
#include "compare/two_vendors.hpp"
#include "merge/pool.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::compare {

namespace {

using merge::AtomKind;
using merge::BrokenAtom;
using merge::Plan;

// The promises that one side has and the other does not keep, by what they are about.
class Broken {
public:
    Broken(const Plan& plan, const Promised& promised, const Promised& kept) {
        for (const BrokenAtom& atom : merge::broken_atoms(plan, promised.promises, kept.promises)) {
            atoms_.emplace(std::tuple(atom.field, atom.subleaf, atom.component, atom.kind == AtomKind::scrub), atom);
        }
    }

    const BrokenAtom* value(FieldIndex field, std::uint32_t subleaf) const { return find(field, subleaf, 0, false); }
    const BrokenAtom* scrub(FieldIndex field, std::uint32_t subleaf) const { return find(field, subleaf, 0, true); }
    const BrokenAtom* component(std::uint8_t bit) const { return find(no_field, 0, bit, false); }

private:
    const BrokenAtom* find(FieldIndex field, std::uint32_t subleaf, std::uint8_t component, bool scrub) const {
        const auto at = atoms_.find(std::tuple(field, subleaf, component, scrub));
        return at == atoms_.end() ? nullptr : &at->second;
    }

    std::map<std::tuple<FieldIndex, std::uint32_t, std::uint8_t, bool>, BrokenAtom> atoms_;
};

class FieldChanges {
public:
    FieldChanges(const Plan& plan, const Promised& before, const Promised& after)
        : plan_(plan),
          before_(plan, before),
          after_(plan, after),
          broken_(plan, before, after),
          mended_(plan, after, before),
          same_kind_(before.is_policy == after.is_policy) {}

    std::vector<FieldChange> run() {
        for (const XsaveComponent& component : plan_.rulebook().xsave) compare_component(component.bit);
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = plan_.rulebook()[index];
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                compare(index, subleaf);
            }
        }
        for (FieldChange& stray : stray_changes(before_, after_, {&plan_})) changes_.push_back(std::move(stray));
        sort_changes(changes_);
        return std::move(changes_);
    }

private:
    void compare_component(std::uint8_t bit) {
        const BrokenAtom* lost = broken_.component(bit);
        const BrokenAtom* won = mended_.component(bit);
        if (lost == nullptr && won == nullptr) return;
        const Violation violation = compare::describe(plan_, lost != nullptr ? *lost : *won, {});
        FieldChange change;
        change.field = violation.field;
        change.place = violation.place;
        change.before = lost != nullptr ? violation.promised : violation.host;
        change.after = lost != nullptr ? violation.host : violation.promised;
        change.direction = lost != nullptr ? Direction::loses : Direction::gains;
        change.impact = violation.impact;
        Subject subject;
        subject.kind = AtomKind::component;
        describe(subject, change);
        changes_.push_back(std::move(change));
        components_.insert(bit);
    }

    // A row that lays out a component is told by the component's change.
    bool is_told(const Field& field, std::uint32_t subleaf) const {
        return plan_.lays_out_state(field) && components_.contains(static_cast<std::uint8_t>(subleaf));
    }

    void compare(FieldIndex index, std::uint32_t subleaf) {
        const Field& field = plan_.rulebook()[index];
        const bool filled_in = field.rule == Rule::owned && !same_kind_;  // a policy does not say what with
        if (is_told(field, subleaf) || filled_in) return;
        const Value before = before_.effective(index, subleaf);
        const Value after = after_.effective(index, subleaf);
        const Value old_bits = before_.literal(index, subleaf);
        const Value new_bits = after_.literal(index, subleaf);
        const bool literal_differs = same_kind_ && old_bits != new_bits;
        const bool effective_differs = before != after && !is_silence(index, subleaf, before, after);
        const BrokenAtom* scrub = scrub_change(index, subleaf);
        const Direction direction = direction_of(index, subleaf, before, after);
        if (direction == Direction::none && !literal_differs && !effective_differs) return;

        FieldChange change;
        change.field = field.id;
        change.place = field.place(subleaf);
        change.rule = to_string(field.rule);
        change.direction = direction;
        change.impact = field.impact;
        change.mitigates = plan_.rulebook().ids_mitigated_by(field, plan_.vendor_mask());
        // What a policy shows is what its registers say, even where a zero stands for another number.
        const bool as_written = literal_differs && (before_.is_policy() || before == after);
        change.before = document::value_word(as_written ? old_bits : before);
        change.after = document::value_word(as_written ? new_bits : after);
        Subject subject{AtomKind::bits, field.rule, true, plan_.is_inverted(index), !change.mitigates.empty()};
        if (merge::promises_by_number(field.rule)) subject.kind = AtomKind::number;
        if (scrub != nullptr && direction != Direction::relaxes) {
            subject.kind = AtomKind::scrub;
            if (!literal_differs && before == after) put_scrub(*scrub, direction, change);
        }
        change.known = change.before != unknown_value && change.after != unknown_value;
        describe(subject, change);
        changes_.push_back(std::move(change));
    }

    // What neither promises nor shows anything is no change: a policy's 0 beside a silent dump.
    bool is_silence(FieldIndex index, std::uint32_t subleaf, const Value& before, const Value& after) const {
        return !same_kind_ && !has_atom(plan_, index, subleaf) && before.value_or(0) == after.value_or(0);
    }

    const BrokenAtom* scrub_change(FieldIndex index, std::uint32_t subleaf) const {
        const BrokenAtom* lost = broken_.scrub(index, subleaf);
        return lost != nullptr ? lost : mended_.scrub(index, subleaf);
    }

    // The bit is the same and the promise that VERW scrubs is not.
    void put_scrub(const BrokenAtom& atom, Direction direction, FieldChange& change) const {
        const Violation violation = compare::describe(plan_, atom, {});
        const bool lost = direction == Direction::loses;
        change.before = lost ? violation.promised : violation.host;
        change.after = lost ? violation.host : violation.promised;
    }

    Direction direction_of(FieldIndex index, std::uint32_t subleaf, const Value& before, const Value& after) const {
        // A bit that goes from where VERW scrubs to where it does not is no good news.
        if (broken_.scrub(index, subleaf) != nullptr) return Direction::loses;
        const bool lost = broken_.value(index, subleaf) != nullptr;
        const bool won = mended_.value(index, subleaf) != nullptr;
        if (lost && won) return Direction::both;
        if (lost) return plan_.is_inverted(index) ? Direction::relaxes : Direction::loses;
        if (won || mended_.scrub(index, subleaf) != nullptr) return Direction::gains;
        return renamed_bad_news(index, before, after);
    }

    // RSBA is worse news than RRSBA: where the one takes the other's place, RSBA tells in which direction.
    Direction renamed_bad_news(FieldIndex index, const Value& before, const Value& after) const {
        const RetpolineBits* group = plan_.retpoline_of(index);
        if (group == nullptr || index != group->rsba || !before || !after || *before == *after) return Direction::none;
        return *after != 0 ? Direction::relaxes : Direction::gains;
    }

    const Plan& plan_;
    Values before_;
    Values after_;
    Broken broken_;  // promises of the first side that the second does not keep
    Broken mended_;  // the reverse
    bool same_kind_;
    std::set<std::uint8_t> components_;  // those that changed
    std::vector<FieldChange> changes_;
};

}  // namespace

void sort_changes(std::vector<FieldChange>& changes) {
    const auto key = [](const FieldChange& c) { return std::tie(c.direction, c.impact, c.place, c.field); };
    std::sort(changes.begin(), changes.end(),
              [&](const FieldChange& a, const FieldChange& b) { return key(a) < key(b); });
}

std::vector<FieldChange> field_changes(const Plan& plan, const Promised& before, const Promised& after) {
    return FieldChanges(plan, before, after).run();
}

}  // namespace poolcpuid::compare
