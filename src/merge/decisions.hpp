// Why each field has its value: the decisions of the policy document.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "merge/draft.hpp"
#include "merge/pool.hpp"
#include "merge/render.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

struct DecisionInputs {
    const Draft& draft;
    const Rows& rows;
    const std::vector<Variant>& variants;
    const HostGroup& identity;
    std::size_t most_names;  // in each list of hosts
};

// One decision for every field on which hosts differ, or whose value is not what they all have.
// Owned fields are listed elsewhere. Linear in fields times groups.
std::vector<Decision> decide(const DecisionInputs& inputs);

// The names of the hosts that keep field from a stronger value, sorted: those that lack the bit, have
// the relaxed behaviour, or the limiting number; for a field that closure took, those that limit what
// it stands on.
std::vector<std::string> limiting_hosts(const DecisionInputs& inputs, FieldIndex field, std::uint32_t subleaf);

}  // namespace poolcpuid::merge
