// The rulebook as the merge of one vendor's pool wants it: promise bits gathered into 32-bit words.
//
// In a promise word a set bit is a promise kept: the register's bit itself for `intersect`, its
// complement for `union` and `guarded`. So the meet of two hosts is the AND of their words, whatever
// the rules of the bits, and an unknown bit is 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::merge {

struct PromiseWord {
    LeafKey key;
    Register reg = Register::eax;
    std::uint32_t intersect = 0;  // bits whose being set promises
    std::uint32_t inverted = 0;   // bits whose being clear promises (union, guarded)

    // From a register's value to promises and back.
    std::uint32_t promises_of(std::uint32_t value) const noexcept { return (value & intersect) | (~value & inverted); }
    std::uint32_t value_of(std::uint32_t promises) const noexcept {
        return (promises & intersect) | (~promises & inverted);
    }
    std::uint32_t all() const noexcept { return intersect | inverted; }
};

// A field of the rule min, max or equal in one subleaf.
struct NumberSlot {
    FieldIndex field = no_field;
    LeafKey key;
};

// One guarded bit; its number is its place in Plan::guards().
struct GuardSlot {
    FieldIndex field = no_field;
    LeafKey key;
};

// Which bits of a register the rulebook speaks of.
struct Coverage {
    std::uint32_t fields = 0;
    std::uint32_t reserved = 0;
};

class Plan {
public:
    // The plan for rulebook.vendors[vendor]. The rulebook must outlive the plan.
    Plan(const Rulebook& rulebook, std::size_t vendor);

    const Rulebook& rulebook() const noexcept { return *rulebook_; }
    std::size_t vendor() const noexcept { return vendor_; }
    bool applies(const Field& field) const noexcept { return ((field.vendors >> vendor_) & 1U) != 0; }

    std::span<const PromiseWord> words() const noexcept { return words_; }
    std::span<const NumberSlot> numbers() const noexcept { return numbers_; }
    std::span<const GuardSlot> guards() const noexcept { return guards_; }
    // The CPUID fields of this vendor, in the rulebook's order.
    std::span<const FieldIndex> fields() const noexcept { return fields_; }

    // The place of a word, or nothing. Logarithmic.
    std::optional<std::size_t> find_word(LeafKey key, Register reg) const noexcept;
    // The place of a number, or nothing. Linear in the number of number slots.
    std::optional<std::size_t> find_number(FieldIndex field, std::uint32_t subleaf) const noexcept;

    // What the rulebook says of a register. Linear in the fields of its leaf.
    Coverage coverage(LeafKey key, Register reg) const noexcept;

    // True when key has promise words or numbers, so that not knowing it costs something.
    bool has_promises(LeafKey key) const noexcept;

    // The leaf that enumerates XSAVE state (that of the field derived as xcr0_low), if the rulebook has one.
    std::optional<std::uint32_t> xsave_leaf() const noexcept { return xsave_leaf_; }

private:
    void add_word(const Field& field, std::uint32_t subleaf);

    const Rulebook* rulebook_;
    std::size_t vendor_;
    std::vector<PromiseWord> words_;
    std::vector<NumberSlot> numbers_;
    std::vector<GuardSlot> guards_;
    std::vector<FieldIndex> fields_;
    std::optional<std::uint32_t> xsave_leaf_;
};

// True for a field whose value promises by bits.
constexpr bool promises_by_bits(Rule rule) noexcept {
    return rule == Rule::intersect || rule == Rule::union_ || rule == Rule::guarded;
}

// True for a field whose value promises as a number.
constexpr bool promises_by_number(Rule rule) noexcept {
    return rule == Rule::min || rule == Rule::max || rule == Rule::equal;
}

}  // namespace poolcpuid::merge
