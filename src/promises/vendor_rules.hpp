// The rulebook as the merge of one vendor's pool wants it: promise bits gathered into words, one a register.
//
// In a promise word a set bit is a promise kept: the register's bit itself for `intersect`, its
// complement for `union` and `guarded`. So the meet of two hosts is the AND of their words, whatever
// the rules of the bits, and an unknown bit is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"
#include "rulebook/covered.hpp"

namespace poolcpuid::promises {

// A register: one of a CPUID row, or an MSR, whose index stands for the leaf (subleaf 0, EAX).
struct RegisterPlace {
    bool is_msr = false;
    LeafKey key;
    Register reg = Register::eax;

    // Its bits: of an MSR 64, else 32.
    constexpr std::uint64_t all_bits() const noexcept { return is_msr ? ~std::uint64_t{0} : 0xFFFFFFFFU; }

    // The runs of neighbouring bits among bits, from the lowest up.
    std::vector<BitPlace> runs_of(std::uint64_t bits) const;

    friend auto operator<=>(const RegisterPlace&, const RegisterPlace&) = default;
};

constexpr RegisterPlace place_of(const Field& field, std::uint32_t subleaf) noexcept {
    return {field.is_msr, {field.leaf, subleaf}, field.reg};
}

struct PromiseWord {
    RegisterPlace place;
    std::uint64_t intersect = 0;  // bits whose being set promises
    std::uint64_t inverted = 0;   // bits whose being clear promises (union, guarded)

    // From a register's value to promises and back.
    std::uint64_t promises_of(std::uint64_t value) const noexcept { return (value & intersect) | (~value & inverted); }
    std::uint64_t value_of(std::uint64_t promises) const noexcept {
        return (promises & intersect) | (~promises & inverted);
    }
    std::uint64_t all() const noexcept { return intersect | inverted; }
};

// A field of the rule min, max or equal in one subleaf.
struct NumberSlot {
    FieldIndex field = no_field;
    std::uint32_t subleaf = 0;
};

// One guarded bit; its number is its place in VendorRules::guards().
struct GuardSlot {
    FieldIndex field = no_field;
    std::uint32_t subleaf = 0;
};

// True when one of the lists holds whole. holds(term) says it of each of its terms.
template <typename Holds>
bool any_list_holds(List<List<GuardTerm>> lists, const Holds& holds) {
    return std::any_of(lists.begin(), lists.end(), [&](const std::span<const GuardTerm> terms) {
        return std::all_of(terms.begin(), terms.end(), holds);
    });
}

class VendorRules {
public:
    // The rules of rulebook.vendors[vendor]. The rulebook must outlive them.
    VendorRules(const Rulebook& rulebook, std::size_t vendor);
    // Those of the policy's vendor. Throws NoPolicyError when the rulebook does not know that.
    static VendorRules of(const Rulebook& rulebook, const PoolPolicy& policy);

    const Rulebook& rulebook() const noexcept { return *rulebook_; }
    std::size_t vendor() const noexcept { return vendor_; }
    VendorMask vendor_mask() const noexcept { return static_cast<VendorMask>(1U << vendor_); }
    bool applies(const Field& field) const noexcept { return (field.vendors & vendor_mask()) != 0; }

    std::span<const PromiseWord> words() const noexcept { return words_; }
    std::span<const NumberSlot> numbers() const noexcept { return numbers_; }
    std::span<const GuardSlot> guards() const noexcept { return guards_; }
    // The fields of this vendor, in the rulebook's order: CPUID before MSRs.
    std::span<const FieldIndex> fields() const noexcept { return fields_; }
    // The groups whose members this vendor has.
    std::span<const RetpolineBits> retpoline() const noexcept { return retpoline_; }

    // Whether a guest counts on VERW for what the slot is about: the bit tells it to, or what says the same.
    // value_of(field, subleaf) is the value of a field that this vendor has, as the guest sees it.
    template <typename ValueOf>
    bool asks_for_scrub(const GuardSlot& slot, const ValueOf& value_of) const {
        if (value_of(slot.field, slot.subleaf) != 0) return true;
        const auto holds = [&](const GuardTerm& term) {
            const Field& field = (*rulebook_)[term.field];
            return (applies(field) && value_of(term.field, field.subleaf_first) != 0) != term.negated;
        };
        return any_list_holds((*rulebook_)[slot.field].guard.told_by, holds);
    }

    // True when a clear bit of the field promises.
    bool is_inverted(FieldIndex field) const noexcept;

    // The group that has the field as RSBA or RRSBA, or nullptr.
    const RetpolineBits* retpoline_of(FieldIndex field) const noexcept;

    // The CPUID field that says whether an MSR exists, or no_field when none does.
    FieldIndex enumerator(std::uint32_t msr) const noexcept;

    // The place of a word, or nothing. Logarithmic.
    std::optional<std::size_t> find_word(const RegisterPlace& place) const noexcept;
    // The same for the word in which a field of this vendor promises by bits; nothing for all other fields. Constant.
    std::optional<std::size_t> find_word(FieldIndex field, std::uint32_t subleaf) const noexcept;
    // The place of a number, or nothing. Constant.
    std::optional<std::size_t> find_number(FieldIndex field, std::uint32_t subleaf) const noexcept;

    // The number of a guard (its place in guards()), or nothing for a field that is none. Linear in the guards.
    std::optional<std::size_t> find_guard(FieldIndex field, std::uint32_t subleaf) const noexcept;

    // The bits of a field in one of its subleaves that say something, where they stand. In the rows of XSAVE states, in
    // XCR0 and in IA32_XSS these are only what is about states that the rulebook knows.
    std::uint64_t bits_of(const Field& field, std::uint32_t subleaf) const noexcept;

    // The bits of a register that say something in a field of this vendor. Linear in the fields of its leaf.
    std::uint64_t bits_with_field(const RegisterPlace& place) const noexcept;

    // The XSAVE state in whose row a field stands in the subleaf; nullptr where it stands in none, or in that of a
    // state which the rulebook does not know.
    const XsaveComponent* state_of_row(const Field& field, std::uint32_t subleaf) const noexcept {
        return is_state_row(field, subleaf) ? rulebook_->find_state(subleaf) : nullptr;
    }

    // The field that is the microcode revision, or no_field.
    FieldIndex microcode() const noexcept { return microcode_; }

    // True for a field of the rows that lay out XSAVE states: size, offset, kind and alignment, by subleaf.
    bool lays_out_state(const Field& field) const noexcept {
        return !field.is_msr && field.rule == Rule::equal && xsave_leaf_ == field.leaf;
    }

    // The leaf that enumerates XSAVE state (that of the field derived as xcr0_low), if the rulebook has one.
    std::optional<std::uint32_t> xsave_leaf() const noexcept { return xsave_leaf_; }
    // The field without which XCR0 says nothing (XSAVE), or no_field.
    FieldIndex xsave_gate() const noexcept { return xsave_gate_; }

private:
    // The rows before the third are about XSAVE itself (SDM vol. 1, 13.2).
    bool is_state_row(const Field& field, std::uint32_t subleaf) const noexcept {
        return !field.is_msr && field.leaf == xsave_leaf_ && subleaf >= 2;
    }
    std::uint64_t states_in(Derivation how) const noexcept;
    void add_field(FieldIndex index);
    void add_word(FieldIndex index, std::uint32_t subleaf);
    void place_words();
    std::optional<std::size_t> slot_of(FieldIndex field, std::uint32_t subleaf) const noexcept;
    void find_enumerators();
    FieldIndex cpuid_gate(FieldIndex index) const noexcept;

    const Rulebook* rulebook_;
    std::size_t vendor_;
    std::vector<PromiseWord> words_;
    std::vector<NumberSlot> numbers_;
    std::vector<std::size_t> places_;       // of words: those of a field's subleaves one behind the other, or no_slot
    std::vector<std::size_t> first_slots_;  // by field, of its first subleaf: in places_ or numbers_, or no_slot
    std::vector<GuardSlot> guards_;
    std::vector<FieldIndex> fields_;
    std::vector<RetpolineBits> retpoline_;
    std::map<std::uint32_t, FieldIndex> enumerators_;  // by MSR index
    FieldIndex microcode_ = no_field;
    std::optional<std::uint32_t> xsave_leaf_;
    FieldIndex xsave_gate_ = no_field;
};

using rulebook::with_covered;
using rulebook::without_covered;

// True for a field whose value promises by bits.
constexpr bool promises_by_bits(Rule rule) noexcept {
    return rule == Rule::intersect || rule == Rule::union_ || rule == Rule::guarded || rule == Rule::group;
}

// True for a field whose value promises as a number.
constexpr bool promises_by_number(Rule rule) noexcept {
    return rule == Rule::min || rule == Rule::max || rule == Rule::equal;
}

}  // namespace poolcpuid::promises
