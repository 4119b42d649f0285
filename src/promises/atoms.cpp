#include "promises/atoms.hpp"

#include <algorithm>

namespace poolcpuid::promises {

Number meet(Rule rule, const Number& a, const Number& b) noexcept {
    if (!a.known || !b.known) return {};
    switch (rule) {
        case Rule::min: return {true, std::min(a.value, b.value)};
        case Rule::max: return {true, std::max(a.value, b.value)};
        default: return a.value == b.value ? a : Number{};
    }
}

void Atoms::meet(const VendorRules& rules, const Atoms& other) noexcept {
    for (std::size_t w = 0; w < words.size(); ++w) words[w] &= other.words[w];
    // What is not promised stays so, and is most of the numbers and the states.
    for (std::size_t n = 0; n < numbers.size(); ++n) {
        if (!numbers[n].known) continue;
        numbers[n] = promises::meet(rules.rulebook()[rules.numbers()[n].field].rule, numbers[n], other.numbers[n]);
    }
    scrubs &= other.scrubs;
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (components[c].promised && components[c] != other.components[c]) components[c] = {};
    }
    for (const auto& [signature, revision] : other.microcode) {
        const auto [at, fresh] = microcode.try_emplace(signature, revision);  // emplace would make a node first
        if (!fresh) at->second = promises::meet(Rule::min, at->second, revision);
    }
}

// Sorted by signature, of which the stepping is the least: what is of one model is so from the first to the last.
bool Atoms::is_of_one_model() const noexcept {
    return microcode.empty() || model_bits(microcode.begin()->first) == model_bits(microcode.rbegin()->first);
}

}  // namespace poolcpuid::promises
