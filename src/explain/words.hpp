// The sentences of an explanation: what a value tells the guest, and from what a derived one follows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "explain/policy_view.hpp"

namespace poolcpuid::explain {

// What a value means for the guest.
std::string meaning_of(const PolicyView& view, FieldIndex field, std::uint32_t subleaf, Cause cause);

// What counts as a host's value besides what its dump shows; nothing for most fields.
std::string reading_of(const PolicyView& view, FieldIndex field);

// That the rulebook of the policy, of this version, classed a field otherwise than the one at hand does.
std::string former_sentence(const std::string& version, const FormerClass& former, const Field& field);

struct Derived {
    std::string sentence;
    std::vector<FieldIndex> from;  // fields that it follows from
};

// From what a derived field follows; nothing for any other.
Derived derivation_of(const PolicyView& view, FieldIndex field);

}  // namespace poolcpuid::explain
