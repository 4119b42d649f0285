// A whole policy: its decisions by what is behind them.
#pragma once

#include "explain/policy_view.hpp"

namespace poolcpuid::explain {

Story story_of(const PolicyView& view);

}  // namespace poolcpuid::explain
