// What a pool meets: a word of promise bits a register, numbers, XSAVE states, microcode. Each is a semilattice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// A number's atom. Unknown is the bottom of the order: no promise.
struct Number {
    bool known = false;
    std::uint64_t value = 0;

    friend bool operator==(const Number&, const Number&) = default;
};

// The meet of two numbers under a rule (min, max or equal).
Number meet(Rule rule, const Number& a, const Number& b) noexcept;

// An XSAVE component's atom: supported with this layout, or not promised. Two different layouts
// promise nothing, since code that computed an offset on one host would use it on the other.
struct Component {
    bool promised = false;
    std::uint32_t size = 0;    // bytes
    std::uint32_t offset = 0;  // bytes, standard format; 0 for supervisor state
    bool align64 = false;      // in the compacted format

    friend bool operator==(const Component&, const Component&) = default;
};

inline constexpr std::size_t component_count = 63;  // XCR0 and IA32_XSS; bit 63 of XCR0 is not a component

// The atoms alone: a product of semilattices.
struct Atoms {
    std::vector<std::uint64_t> words;   // promise bits, parallel to VendorRules::words()
    std::vector<Number> numbers;        // parallel to VendorRules::numbers()
    std::uint64_t scrubs = 0;           // bit i: VERW scrubs what VendorRules::guards()[i] is about
    std::vector<Component> components;  // component_count of them
    // The oldest microcode by EAX of leaf 1: revisions compare only between CPUs of one signature. There is an entry
    // for each signature, known or not.
    std::map<std::uint32_t, Number> microcode;

    // Whether all are of one family and model.
    bool is_of_one_model() const noexcept;

    // Meets this with another host's atoms. The loop over words is the merge's inner loop.
    void meet(const VendorRules& rules, const Atoms& other) noexcept;

    friend bool operator==(const Atoms&, const Atoms&) = default;
};

}  // namespace poolcpuid::promises
