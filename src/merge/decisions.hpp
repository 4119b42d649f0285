// Why each field has its value: the decisions of the policy document.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "merge/draft.hpp"
#include "merge/pool.hpp"
#include "merge/registers.hpp"
#include "poolcpuid/policy.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid::merge {

// What decisions, their reasons and findings are about: a pool whose policy has been rendered.

struct DecisionInputs {
    const Draft& draft;
    const Rows& rows;
    const std::vector<Variant>& variants;
    const HostGroup& identity;
    std::size_t most_names;  // in each list of hosts
};

// The variants by the value that a field has on them.
using ValuesSeen = std::map<promises::SeenValue, VariantSet>;

// One decision for every field on which hosts differ, or whose value is not what they all have; of an XSAVE state one
// on its size, which says its whole layout. Owned fields are listed elsewhere. Linear in fields times groups.
std::vector<Decision> decide(const DecisionInputs& inputs);

// One for every guarded field, of which it says only whether VERW scrubs or need not wherever the guest runs: also
// where the guest is not told to run it, of which a document is silent. Registers alone do not show it.
std::vector<Decision> scrub_decisions(const Draft& draft);

}  // namespace poolcpuid::merge
