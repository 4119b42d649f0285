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

struct Derived {
    std::string sentence;
    std::vector<FieldIndex> from;  // fields that it follows from
};

// From what a derived field follows; nothing for any other.
Derived derivation_of(const PolicyView& view, FieldIndex field);

}  // namespace poolcpuid::explain
