#include "explain/words.hpp"

#include <algorithm>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::explain {

namespace {

bool is_flag(const Field& field) { return field.low == field.high; }

std::string id_of(const PolicyView& view, FieldIndex index) { return std::string(view.rulebook()[index].id); }

// What the value of a field that promises says.
class Meaning {
public:
    Meaning(const PolicyView& view, FieldIndex index, std::uint32_t subleaf)
        : view_(view),
          index_(index),
          field_(view.rulebook()[index]),
          value_(view.value(field_, subleaf)),
          undecided_(view.is_undecided(field_, subleaf)) {}

    std::string text() const {
        switch (field_.rule) {
            case Rule::intersect: return of_promised_bits();
            case Rule::union_: return of_relaxed_bits();
            case Rule::guarded: return of_guard();
            case Rule::group: return of_group();
            case Rule::min: return of_limit();
            case Rule::max:
                return "The guest reckons with " + std::to_string(value_) +
                       (undecided_ ? "." : ", which no host is known to exceed.");
            case Rule::equal: return "The guest relies on exactly this.";
            case Rule::derive:
            case Rule::identity:
            case Rule::owned:
            case Rule::hide: break;
        }
        return value_ == 0 ? "The guest is not shown it." : "The guest is shown it.";
    }

private:
    std::string of_promised_bits() const {
        if (value_ == 0) return "The guest is not shown it and does without.";
        return is_flag(field_) ? "The guest may rely on it."
                               : "The guest may rely on what the bits that are set promise.";
    }

    std::string of_relaxed_bits() const {
        if (value_ == 0) return "The guest may rely on the stricter behaviour.";
        return is_flag(field_) ? "The guest is told, and does not rely on the stricter behaviour."
                               : "The guest is told what the bits that are set announce.";
    }

    std::string of_guard() const {
        const promises::GuardSlot slot{index_, field_.subleaf_first};
        const auto value_of = [&](FieldIndex index, std::uint32_t) { return view_.value(index); };
        if (!view_.rules().asks_for_scrub(slot, value_of)) return "The guest is not asked to run VERW for this.";
        return std::string(value_ == 0 ? "Other bits ask the guest to run VERW" : "The guest is asked to run VERW") +
               (view_.is_scrub_lost(field_) ? ", which is not known to scrub on every host."
                                            : ", which scrubs wherever it runs.");
    }

    std::string of_group() const {
        const RetpolineBits* group = view_.rules().retpoline_of(index_);
        if (group == nullptr) return of_promised_bits();
        const FieldIndex other = index_ == group->rsba ? group->rrsba : group->rsba;
        if (value_ != 0) return "The guest is told that RET may be predicted from elsewhere than the return stack.";
        if (view_.value(other) != 0) return "The guest is told the same by the name " + id_of(view_, other) + ".";
        return "The guest may rely on RET being predicted by the return stack alone.";
    }

    std::string of_limit() const {
        if (value_ == 0 && field_.zero_means_field != no_field) {
            return "0 stands for the value of " + id_of(view_, field_.zero_means_field) + ", here " +
                   std::to_string(view_.value(field_.zero_means_field)) + ".";
        }
        if (value_ == 0 && field_.zero_has_meaning) return "0 stands for " + std::to_string(field_.zero_means) + ".";
        if (value_ == 0) return "The guest counts on nothing.";
        if (field_.of_identity) return "The guest may take the microcode to be this revision or newer.";
        return "The guest counts on " + std::to_string(value_) + ", which every host has or exceeds.";
    }

    const PolicyView& view_;
    FieldIndex index_;
    const Field& field_;
    std::uint64_t value_;
    bool undecided_;
};

class Derivations {
public:
    Derivations(const PolicyView& view, FieldIndex index)
        : view_(view), rulebook_(view.rulebook()), field_(view.rulebook()[index]), value_(view.value(index)) {}

    Derived run() {
        const Derive& derive = field_.derive;
        switch (derive.how) {
            case Derivation::max_leaf: return highest(LeafKey{static_cast<std::uint32_t>(value_), 0}, "leaf", true);
            case Derivation::max_subleaf:
                return highest(LeafKey{field_.leaf, static_cast<std::uint32_t>(value_)}, "subleaf", false);
            case Derivation::copy_bits: return {"The same bits as in " + place(derive) + ".", {}};
            case Derivation::select:
                return {number(derive.then_value) + " with " + id_of(view_, derive.condition) + ", " +
                            number(derive.else_value) + " without it.",
                        {derive.condition}};
            case Derivation::constant: return {"The same in every policy.", {}};
            case Derivation::xcr0_low:
            case Derivation::xcr0_high:
            case Derivation::xss_low:
            case Derivation::xss_high:
                return {value_ == 0 ? "The policy keeps no XSAVE state of this half."
                                    : "The XSAVE states that the policy keeps.",
                        {}};
            case Derivation::xsave_size: return {"The end of the last XSAVE state that XCR0 manages.", {}};
            case Derivation::msr_offered: return of_offer();
            case Derivation::vmx_default1:
                return {"The same half of MSR " + to_hex(derive.msr) + ", with the bits " + to_hex(derive.default1) +
                            " that must be 1 and so may be.",
                        {}};
            case Derivation::vmx_cr4_fixed1: return of_cr4();
            case Derivation::vmx_vmcs_enum: return of_choices();
            case Derivation::none: break;
        }
        return {};
    }

private:
    static std::string place(const Derive& derive) {
        return "leaf " + to_hex(derive.from.leaf) + " " + to_string(derive.reg);
    }

    // Masks and register halves read better in hexadecimal, counts and widths in decimal.
    std::string number(std::uint64_t value) const {
        return field_.high - field_.low < 12 ? std::to_string(value) : to_hex(value);
    }

    // Why a leaf, or a subleaf, is the highest one: what stands in it, or needs what the VMM puts there.
    Derived highest(LeafKey key, const char* what, bool any_subleaf) const {
        if (value_ == 0) return {std::string("No other ") + what + " has content in the policy.", {}};
        std::vector<FieldIndex> content;
        std::vector<FieldIndex> needs;
        for (const FieldIndex index : view_.rules().fields()) {
            const Field& field = rulebook_[index];
            if (field.is_msr || field.leaf != key.leaf || field.rule == Rule::derive) continue;
            const std::uint32_t subleaf = any_subleaf ? field.subleaf_first : key.subleaf;
            if (subleaf < field.subleaf_first || field.subleaf_last < subleaf) continue;
            if (view_.value(field, subleaf) != 0) content.push_back(index);
            const bool is_pinned = field.rule == Rule::owned && field.gate != no_field && view_.value(field.gate) != 0;
            if (is_pinned && !holds(needs, field.gate)) needs.push_back(field.gate);
        }
        Derived derived;
        derived.sentence =
            std::string("The highest ") + what + " of the policy is " + to_hex(any_subleaf ? key.leaf : key.subleaf);
        if (!content.empty()) derived.sentence += ", which holds " + list(content);
        if (content.empty() && !needs.empty()) derived.sentence += ", which is there for " + list(needs);
        derived.sentence += ".";
        derived.from = content.empty() ? needs : content;
        return derived;
    }

    Derived of_offer() const {
        const std::uint32_t index = field_.derive.msr;
        Derived derived;
        for (const FieldIndex other : view_.rules().fields()) {
            const Field& field = rulebook_[other];
            if (field.is_msr && field.leaf == index && view_.value(field, 0) != 0) derived.from.push_back(other);
        }
        derived.sentence = "MSR " + to_hex(index) +
                           (view_.registers().msr(index).value_or(0) == 0
                                ? " is not in the policy: it would hold nothing."
                                : " is in the policy, for it holds " + list(derived.from) + ".");
        return derived;
    }

    Derived of_cr4() const {
        Derived derived{"The bits of CR4 that the policy's features let a guest set.", {}};
        for (const BitSource& source : field_.derive.bits) {
            const bool counts = source.field != no_field && view_.value(source.field) != 0;
            if (counts && !holds(derived.from, source.field)) derived.from.push_back(source.field);
        }
        return derived;
    }

    Derived of_choices() const {
        Derived derived;
        for (const Choice& choice : field_.derive.choices) {
            derived.from.push_back(choice.condition);
            derived.sentence += to_hex(choice.value) + " with " + id_of(view_, choice.condition) + ", else ";
        }
        derived.sentence += to_hex(field_.derive.else_value) + ".";
        return derived;
    }

    static bool holds(const std::vector<FieldIndex>& fields, FieldIndex index) {
        return std::find(fields.begin(), fields.end(), index) != fields.end();
    }

    std::string list(const std::vector<FieldIndex>& fields) const {
        constexpr std::size_t most = 6;
        std::vector<std::string> ids;
        for (const FieldIndex index : fields) ids.push_back(id_of(view_, index));
        return short_list(ids, most);
    }

    const PolicyView& view_;
    const Rulebook& rulebook_;
    const Field& field_;
    std::uint64_t value_;
};

const char* showing(Exposure exposure, bool before) {
    switch (exposure) {
        case Exposure::shown: return before ? "showed it by default" : "shows it by default";
        case Exposure::asked: return before ? "showed it only when asked for" : "shows it only when asked for";
        case Exposure::never: break;
    }
    return before ? "showed it to no guest" : "shows it to no guest";
}

std::string of_owned(const PolicyView& view, const Field& field) {
    if (field.is_msr) return "The VMM or the guest fills it in at run time, where it offers the MSR.";
    if (view.registers().is_owned(field.place())) return "The VMM or the guest fills it in at run time.";
    return "Nobody fills it in: the policy has nothing for which it is there.";
}

}  // namespace

std::string meaning_of(const PolicyView& view, FieldIndex index, std::uint32_t subleaf, Cause cause) {
    const Field& field = view.rulebook()[index];
    const std::uint64_t value = view.value(field, subleaf);
    switch (cause) {
        case Cause::not_asked: return "The guest is not shown it.";
        case Cause::gate: return "It says nothing to the guest.";
        case Cause::never: return "No guest in a pool is shown it.";
        case Cause::owned: return of_owned(view, field);
        case Cause::identity: return "It describes the CPU that the guest is shown.";
        case Cause::derived: return "The guest sees what follows from the other fields.";
        case Cause::equality:
            if (field.rule == Rule::equal) return "The guest is shown none.";
            break;
        case Cause::agreement:
        case Cause::hosts:
        case Cause::layout:
        case Cause::group:
        case Cause::dependency:
        case Cause::duty:
        case Cause::xsave_state:
        case Cause::ceiling:
        case Cause::hidden:
        case Cause::set: break;
    }
    const bool describes_cpu = field.rule == Rule::identity;  // and was set by the operator
    if (describes_cpu) return "It describes the CPU that the guest is shown.";
    if (view.rules().lays_out_state(field) && value == 0 && view.decision(field, subleaf) != nullptr)
        return "The state is not in the policy.";
    return Meaning(view, index, subleaf).text();
}

std::string reading_of(const PolicyView& view, FieldIndex index) {
    const Field& field = view.rulebook()[index];
    std::vector<std::string> sentences;
    if (field.emulated)
        sentences.emplace_back("A dump of the silicon counts as having it, since every VMM emulates it.");
    if (field.made.by != Makers::none) {
        sentences.push_back(std::string(field.made.by == Makers::all ? "Hypervisors" : "Some hypervisors") +
                            " make it: a dump of the silicon alone does not say that a guest has it not.");
    }
    if (field.hypervisor != no_hypervisor) {
        sentences.push_back("It counts where a hypervisor serves the interface of " +
                            std::string(view.rulebook().hypervisors[field.hypervisor].name) + ".");
    }
    if (field.assured != 0) {
        sentences.push_back(
            "Of a dump of the silicon alone, or of a hypervisor's view that has 0 there, no more than " +
            std::to_string(field.assured) + " counts: hypervisors may give less than the silicon.");
    }
    if (field.known_to != 0) {
        sentences.push_back("The rulebook describes no more than " + std::to_string(field.known_to) +
                            ": a host's larger number counts as that.");
    }
    if (field.implied_by.field != no_field) {
        sentences.push_back("It counts as set where " + id_of(view, field.implied_by.field) +
                            (field.implied_by.negated ? " is not." : " is."));
    }
    if (field.length_from != no_field) {
        sentences.push_back("Bits from the number in " + id_of(view, field.length_from) +
                            " on count as 1, and a policy has them 0.");
    }
    if (field.zero_means_field != no_field) {
        sentences.push_back("A host's 0 stands for its " + id_of(view, field.zero_means_field) + ".");
    } else if (field.zero_has_meaning) {
        sentences.push_back("A host's 0 stands for " + std::to_string(field.zero_means) + ".");
    }
    std::string text;
    for (const std::string& sentence : sentences) text += (text.empty() ? "" : " ") + sentence;
    return text;
}

std::string former_sentence(const std::string& version, const FormerClass& former, const Field& field) {
    const std::string its = "Its rulebook (" + version + ") ";
    const bool is_never = field.rule == Rule::hide || field.exposure == Exposure::never;
    const Exposure now = is_never ? Exposure::never : field.exposure;
    // What is shown to nobody needs no rule.
    const bool has_rules =
        !former.rule.empty() && former.rule != to_string(field.rule) && former.exposure != Exposure::never && !is_never;
    std::string before = former.exposure ? showing(*former.exposure, true) : "";
    std::string after = former.exposure ? showing(now, false) : "";
    if (has_rules || !former.exposure) {
        before += (before.empty() ? "" : " and ") + ("decided it by the rule " + former.rule);
        after += (after.empty() ? "has " : " and has ") + std::string(to_string(field.rule));
    }
    return its + before + "; this one " + after + ".";
}

Derived derivation_of(const PolicyView& view, FieldIndex index) { return Derivations(view, index).run(); }

}  // namespace poolcpuid::explain
