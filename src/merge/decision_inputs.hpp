// What decisions, their reasons and findings are about: a pool whose policy has been rendered.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "merge/draft.hpp"
#include "merge/pool.hpp"
#include "merge/render.hpp"

namespace poolcpuid::merge {

struct DecisionInputs {
    const Draft& draft;
    const Rows& rows;
    const std::vector<Variant>& variants;
    const HostGroup& identity;
    std::size_t most_names;  // in each list of hosts
};

// The variants by the value that a field has on them.
using ValuesSeen = std::map<SeenValue, std::vector<const Variant*>>;

}  // namespace poolcpuid::merge
