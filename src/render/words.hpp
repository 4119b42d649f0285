// What it costs a guest that a target cannot say a field as the policy has it.
#pragma once

#include <string_view>

#include "poolcpuid/render.hpp"
#include "poolcpuid/rulebook.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::render {

// Fills in telling, impact and consequence of entry by its values, of a policy of the rules' vendor. field: nullptr for
// bits without one. inverted: a clear bit of the field promises.
void describe(const promises::VendorRules& rules, const Field* field, bool inverted, Inexpressible& entry);

// The same for an XSAVE state, or what counts it, that the guest does not see: its features go with it.
void describe_lost_state(Inexpressible& entry);

// The same for what promises nothing.
void describe_otherwise(Inexpressible& entry);

// True for a name that no file takes for anything else: letters, digits, ".", "_" and "-" of ASCII, one at least.
bool is_plain_name(std::string_view name) noexcept;

}  // namespace poolcpuid::render
