// What set the value of a field.
#pragma once

#include <cstdint>

#include "explain/policy_view.hpp"

namespace poolcpuid::explain {

Origin origin_of(const PolicyView& view, FieldIndex field, std::uint32_t subleaf);

// True for a cause that is a consequence of what else is, or is not, in the policy.
bool is_consequence(Origin origin) noexcept;

}  // namespace poolcpuid::explain
