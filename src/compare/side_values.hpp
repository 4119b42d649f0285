// The values of one side of a difference, field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "compare/field_changes.hpp"
#include "promises/table_values.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

// Nothing where a dump does not say.
using Value = std::optional<std::uint64_t>;

// True for a field that promises something in the subleaf.
bool has_atom(const promises::VendorRules& rules, FieldIndex index, std::uint32_t subleaf);

class Values {
public:
    // Both must outlive the values.
    Values(const promises::VendorRules& rules, const Promised& side);

    // In the registers: a policy's, or those of the host's first logical CPU.
    Value literal(FieldIndex index, std::uint32_t subleaf) const;

    // What a guest is shown that is started there: of a host, by the policy that it gives alone. Without a promise, and
    // the microcode, as dumped.
    Value shown(FieldIndex index, std::uint32_t subleaf) const;

    // Likewise of an XSAVE state, by its bit: its layout in words.
    std::string layout(std::uint8_t component) const;

    // False where a dump says nothing of the state.
    bool knows_layout(std::uint8_t component) const noexcept {
        return ((side_.kept.components_unknown >> component) & 1U) == 0;
    }

    // The bits of one register, where they stand.
    Value bits(const promises::RegisterPlace& place, std::uint64_t mask) const;

    void collect_places(std::set<promises::RegisterPlace>& places) const;

    bool is_policy() const noexcept { return side_.is_policy; }

private:
    Value microcode() const;

    const promises::VendorRules& rules_;
    const Promised& side_;
    promises::ViewReader registers_;
    promises::ViewReader policy_;
};

}  // namespace poolcpuid::compare
