#include "compare/field_changes.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "compare/behind_policy.hpp"
#include "compare/breach.hpp"
#include "compare/change_words.hpp"
#include "compare/order.hpp"
#include "compare/side_values.hpp"
#include "compare/two_vendors.hpp"
#include "merge/own_policy.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::compare {

namespace {

using promises::VendorRules;

// The dump does not say, and every hypervisor gives it.
bool is_given(const BrokenAtom& atom) { return !atom.known && atom.made_by == Makers::all; }

// The promises that one side has and the other does not keep, by what they are about.
class Broken {
public:
    Broken(const VendorRules& rules, const Promised& promised, const Promised& kept) {
        const BehindPolicy behind(rules, promised.promises, kept.hosts);
        for (BrokenAtom& atom : broken_atoms(rules, promised.promises, kept.kept)) {
            if (behind.is_kept_unseen(atom)) continue;
            put_worst(behind.broken_by_each(atom), atom);
            atoms_.emplace(std::tuple(atom.field, atom.subleaf, atom.component, atom.kind == AtomKind::scrub), atom);
        }
    }

    const BrokenAtom* value(FieldIndex field, std::uint32_t subleaf) const { return find(field, subleaf, 0, false); }
    const BrokenAtom* scrub(FieldIndex field, std::uint32_t subleaf) const { return find(field, subleaf, 0, true); }
    const BrokenAtom* component(std::uint8_t bit) const { return find(no_field, 0, bit, false); }

private:
    // What it costs is what it costs on the worst of the hosts that break it; where all of these have it from every
    // hypervisor, nothing.
    static void put_worst(const std::vector<const BrokenAtom*>& on_hosts, BrokenAtom& atom) {
        std::optional<Impact> worst;
        bool all_give = true;
        for (const BrokenAtom* there : on_hosts) {
            if (there == nullptr) continue;
            worst = std::min(worst.value_or(there->impact), there->impact);
            atom.known = atom.known || there->known;
            all_give = all_give && is_given(*there);
        }
        if (!worst) return;
        atom.impact = *worst;
        if (!all_give) return;
        atom.known = false;
        atom.made_by = Makers::all;
    }

    const BrokenAtom* find(FieldIndex field, std::uint32_t subleaf, std::uint8_t component, bool scrub) const {
        const auto at = atoms_.find(std::tuple(field, subleaf, component, scrub));
        return at == atoms_.end() ? nullptr : &at->second;
    }

    std::map<std::tuple<FieldIndex, std::uint32_t, std::uint8_t, bool>, BrokenAtom> atoms_;
};

class FieldChanges {
public:
    FieldChanges(const VendorRules& rules, const Promised& before, const Promised& after)
        : rules_(rules),
          before_(rules, before),
          after_(rules, after),
          broken_(rules, before, after),
          mended_(rules, after, before),
          kept_after_(after.kept),
          same_kind_(before.is_policy == after.is_policy) {}

    std::vector<FieldChange> run() {
        for (const XsaveComponent& component : rules_.rulebook().xsave) compare_component(component.bit);
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rules_.rulebook()[index];
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                compare(index, subleaf);
            }
        }
        for (FieldChange& stray : stray_changes(before_, after_, {&rules_})) changes_.push_back(std::move(stray));
        sort_changes(changes_);
        return std::move(changes_);
    }

private:
    void compare_component(std::uint8_t bit) {
        const BrokenAtom* lost = broken_.component(bit);
        const BrokenAtom* won = mended_.component(bit);
        if (lost == nullptr && won == nullptr) return;
        const Violation violation = compare::describe(rules_, lost != nullptr ? *lost : *won, {});
        FieldChange change;
        change.field = violation.field;
        change.place = violation.place;
        change.before = before_.layout(bit);
        change.after = after_.layout(bit);
        change.state = violation.state;
        change.known = before_.knows_layout(bit) && after_.knows_layout(bit);
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
        return rules_.lays_out_state(field) && components_.contains(static_cast<std::uint8_t>(subleaf));
    }

    void compare(FieldIndex index, std::uint32_t subleaf) {
        const Field& field = rules_.rulebook()[index];
        const bool filled_in = field.rule == Rule::owned && !same_kind_;  // a policy does not say what with
        if (is_told(field, subleaf) || filled_in) return;
        const Direction direction = direction_of(index, subleaf);
        const Both shown{before_.shown(index, subleaf), after_.shown(index, subleaf)};
        const Both dumped{before_.literal(index, subleaf), after_.literal(index, subleaf)};
        const bool dumps_differ = same_kind_ && !dumped.are_equal();
        const bool promises = direction != Direction::none;
        const bool is_open = !promises && is_told_no_more_in_vain(index, subleaf);
        if (!promises && !dumps_differ && !is_open && !differs_without_promise(index, subleaf, shown)) return;
        const bool as_dumped = dumps_differ && (!promises || shown.are_equal());
        FieldChange change = change_of(index, subleaf, direction, as_dumped ? dumped : shown);
        const BrokenAtom* lost = lost_atom(index, subleaf);
        if (lost != nullptr) {
            change.impact = lost->impact;
            change.given = is_given(*lost);
        }
        Subject subject{.kind = promises::promises_by_number(field.rule) ? AtomKind::number : AtomKind::bits,
                        .rule = field.rule,
                        .inverted = rules_.is_inverted(index),
                        .is_mitigation = !change.mitigates.empty(),
                        .is_unseen = shown.are_equal(),
                        .is_open = is_open,
                        .is_of_policy = after_.is_policy()};
        const BrokenAtom* scrub = scrub_change(index, subleaf);
        if (scrub != nullptr && direction != Direction::relaxes) {
            subject.kind = AtomKind::scrub;
            if (change.before == change.after) {
                put_scrub(*scrub, direction, change);
            } else {
                change.known = change.known && scrub->known;
            }
        }
        change.known =
            change.known && (lost == nullptr || lost->known) && !(is_open && is_scrub_unknown(index, subleaf));
        describe(subject, change);
        changes_.push_back(std::move(change));
    }

    // A field's values on both sides.
    struct Both {
        Value before;
        Value after;

        bool are_equal() const { return before == after; }
    };

    FieldChange change_of(FieldIndex index, std::uint32_t subleaf, Direction direction, const Both& values) const {
        const Field& field = rules_.rulebook()[index];
        FieldChange change;
        change.field = field.id;
        change.place = field.place(subleaf);
        change.rule = to_string(field.rule);
        change.direction = direction;
        change.impact = field.impact;
        change.mitigates = rules_.rulebook().ids_mitigated_by(field, rules_.vendor_mask());
        change.before = document::value_word(values.before);
        change.after = document::value_word(values.after);
        change.known = values.before && values.after;
        return change;
    }

    // What has a promise differs by that alone. Of the rest a policy's 0 beside a silent dump is no change.
    bool differs_without_promise(FieldIndex index, std::uint32_t subleaf, const Both& shown) const {
        if (has_atom(rules_, index, subleaf)) return false;
        return same_kind_ ? !shown.are_equal() : shown.before.value_or(0) != shown.after.value_or(0);
    }

    // What the second side does not keep, and which costs there what that side makes of it.
    const BrokenAtom* lost_atom(FieldIndex index, std::uint32_t subleaf) const {
        const BrokenAtom* scrub = broken_.scrub(index, subleaf);
        return scrub != nullptr ? scrub : broken_.value(index, subleaf);
    }

    const BrokenAtom* scrub_change(FieldIndex index, std::uint32_t subleaf) const {
        const BrokenAtom* lost = broken_.scrub(index, subleaf);
        return lost != nullptr ? lost : mended_.scrub(index, subleaf);
    }

    // The bit is the same and the promise that VERW scrubs is not.
    void put_scrub(const BrokenAtom& atom, Direction direction, FieldChange& change) const {
        const Violation violation = compare::describe(rules_, atom, {});
        const bool lost = direction == Direction::loses;
        change.before = lost ? violation.promised : violation.host;
        change.after = lost ? violation.host : violation.promised;
        change.known = atom.known;
    }

    Direction direction_of(FieldIndex index, std::uint32_t subleaf) const {
        // A bit that goes from where VERW scrubs to where it does not is no good news.
        if (broken_.scrub(index, subleaf) != nullptr) return Direction::loses;
        const bool lost = broken_.value(index, subleaf) != nullptr;
        const bool won = mended_.value(index, subleaf) != nullptr;
        if (lost && won) return Direction::both;
        if (lost) return rules_.is_inverted(index) ? Direction::relaxes : Direction::loses;
        const bool gains = won && !is_told_no_more_in_vain(index, subleaf);
        return gains || mended_.scrub(index, subleaf) != nullptr ? Direction::gains : Direction::none;
    }

    // Of a field in one of its subleaves: a bit in masks of guards, or 0 where it is none.
    std::uint64_t guard_bit(FieldIndex index, std::uint32_t subleaf) const {
        const auto guard = rules_.find_guard(index, subleaf);
        return guard ? std::uint64_t{1} << *guard : 0;
    }

    // Guests are no longer told to run VERW, and nobody knows that they need not on the second side: what they are not
    // told, they do not do, and are as open as before.
    bool is_told_no_more_in_vain(FieldIndex index, std::uint32_t subleaf) const {
        if (mended_.value(index, subleaf) == nullptr) return false;
        return (guard_bit(index, subleaf) & ~kept_after_.atoms.scrubs) != 0;
    }

    bool is_scrub_unknown(FieldIndex index, std::uint32_t subleaf) const {
        return (guard_bit(index, subleaf) & kept_after_.scrub_unknown) != 0;
    }

    const VendorRules& rules_;
    Values before_;
    Values after_;
    Broken broken_;  // promises of the first side that the second does not keep
    Broken mended_;  // the reverse
    const promises::HostPromises& kept_after_;
    bool same_kind_;
    std::set<std::uint8_t> components_;  // those that changed
    std::vector<FieldChange> changes_;
};

}  // namespace

Promised promised_by(const VendorRules& rules, const PoolPolicy& policy) {
    const promises::HostPromises promises = promises::promises_of(rules, policy);
    return {promises, promises, true};
}

Promised promised_by(const VendorRules& rules, const PoolPolicy& policy,
                     std::vector<const promises::HostPromises*> hosts) {
    Promised promised = promised_by(rules, policy);
    std::uint64_t unknown = promised.kept.scrub_unknown;
    std::uint64_t lost = 0;
    for (const promises::HostPromises* host : hosts) {
        unknown |= host->scrub_unknown;
        lost |= ~(host->atoms.scrubs | host->scrub_unknown);
    }
    promised.kept.scrub_unknown = unknown & ~lost & ~promised.kept.atoms.scrubs;
    promised.hosts = std::move(hosts);
    return promised;
}

Promised promised_by(const VendorRules& rules, const HostDump& host) {
    promises::HostPromises kept = promises::promises_of(rules, host);
    promises::HostPromises promises = merge::own_promises(rules, kept);
    return {std::move(promises), std::move(kept), false};
}

void sort_changes(std::vector<FieldChange>& changes) {
    const auto key = [](const FieldChange& c) { return std::tie(c.direction, c.impact, c.place, c.field); };
    std::sort(changes.begin(), changes.end(),
              [&](const FieldChange& a, const FieldChange& b) { return key(a) < key(b); });
}

std::vector<FieldChange> broken(std::vector<FieldChange> changes) {
    std::erase_if(changes, [](const FieldChange& change) { return !breaks_promise(change.direction); });
    return changes;
}

std::vector<FieldChange> gained(const VendorRules& rules, const Promised& before, const Promised& after) {
    std::vector<FieldChange> changes = field_changes(rules, before, after);
    std::erase_if(changes, [](const FieldChange& change) { return change.direction != Direction::gains; });
    return changes;
}

std::vector<FieldChange> field_changes(const VendorRules& rules, const Promised& before, const Promised& after) {
    return FieldChanges(rules, before, after).run();
}

}  // namespace poolcpuid::compare
