#include "compare/undecided.hpp"

#include <cstdint>

namespace poolcpuid::compare {

namespace {

// Of the field's bits, shifted down: those that hosts are not known to promise, and none is known not to.
std::uint64_t undecided_bits(const Decision& decision, bool is_inverted) {
    std::uint64_t kept = ~std::uint64_t{0};
    bool is_unsure = false;
    for (const ValueOfHosts& seen : decision.values) {
        is_unsure = is_unsure || !seen.value;
        if (seen.value) kept &= is_inverted ? ~*seen.value : *seen.value;
    }
    return is_unsure ? kept : 0;
}

}  // namespace

void mark_undecided(const promises::VendorRules& rules, const PoolPolicy& policy, promises::HostPromises& promises) {
    for (const Decision& decision : policy.decisions) {
        const FieldIndex index = rules.rulebook().find(decision.field);
        if (decision.cause != Cause::hosts || index == no_field) continue;
        const std::uint64_t bits = undecided_bits(decision, rules.is_inverted(index));
        if (bits == 0) continue;
        for (std::uint32_t subleaf = decision.place.subleaf_first; subleaf <= decision.place.subleaf_last; ++subleaf) {
            const auto word = rules.find_word(index, subleaf);
            if (word) promises.unknown[*word] |= (bits << decision.place.low) & decision.place.mask();
        }
    }
}

}  // namespace poolcpuid::compare
