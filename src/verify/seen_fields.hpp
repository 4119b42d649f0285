// Wrong bits of registers as fields of the rulebook, with what they mean for the guest.
#pragma once

#include <vector>

#include "poolcpuid/verify.hpp"
#include "promises/vendor_rules.hpp"
#include "verify/questions.hpp"

namespace poolcpuid::verify {

// The fields in which the bits lie, each with its whole value; bits without a field by runs of neighbours.
// Sorted by shows, impact, place.
std::vector<SeenField> seen_fields(const promises::VendorRules& rules, const std::vector<WrongBits>& wrong);

}  // namespace poolcpuid::verify
