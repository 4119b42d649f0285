// The reason of a decision, for people: what happened, with the hosts in parentheses, what else is known of some
// hosts, and the field's why. It is made from the decision's data alone and never read back.
#pragma once

#include <string>
#include <string_view>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::document {

// What sets a field of this kind when nothing takes or sets it: owned, never, derived, identity, or the hosts.
Cause cause_of(const Field& field) noexcept;

// The whole reason. field: the decision's, in the rulebook.
std::string reason_of(const Rulebook& rulebook, const Decision& decision, FieldIndex field);

// The same without the hosts in parentheses and the field's why, for those who show these apart.
std::string what_happened(const Rulebook& rulebook, const Decision& decision);

// "its kernel (6.1.0)", or who else does not offer what the silicon has.
std::string offerer(const std::string& kernel);

// Why an XSAVE state is not in the policy, as what it is: "laid out differently on the hosts".
std::string_view state_fate(Cause cause) noexcept;

}  // namespace poolcpuid::document
