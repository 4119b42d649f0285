// Told one value, finds another: which of the two promises more, what the guest makes of that, and what it may cost it.
//
// check and diff say what a broken promise costs, render what a VMM shows instead of the policy, verify what a vCPU
// reads instead of it, and the report what a field would cost: all ask here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/telling.hpp"

namespace poolcpuid::compare {

// A value of a field, or of bits without one, in the place of the policy's.
struct Told {
    const Field* field = nullptr;  // nullptr: bits without a field, of which a set one is taken for a promise
    bool inverted = false;         // a clear bit of the field promises
    std::uint64_t policy = 0;      // shifted down
    std::optional<std::uint64_t> seen = {};
};

// How they compare. For a number whose 0 stands for another, that one counts. Values of the rule `equal` are
// otherwise. unknown: nothing is known of what is seen, or 0 stands for the value of another field.
Telling telling_of(const Told& told);

// What a guest makes of a value that promises more or less than its policy, in a sentence; with what it may cost it.
std::string meaning_of_more(const Told& told, Impact impact);
std::string meaning_of_less(const Told& told, Impact impact);

// What a broken promise does to a guest: "may crash".
const char* trouble(Impact impact) noexcept;

}  // namespace poolcpuid::compare
