// The reason of a decision: a sentence that says what happened, with the hosts that limit the field in
// parentheses; where the model table had a say, one that says so; and the field's why. It is written here,
// and taken apart again for those who explain a policy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "merge/decision_inputs.hpp"
#include "merge/limits.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// The reason for what a field is in one subleaf. limiting are the hosts that limit it.
std::string reason_of(const DecisionInputs& inputs, const Limits& limits, FieldIndex field, std::uint32_t subleaf,
                      const ValuesSeen& values, const std::vector<std::string>& limiting);

// A reason, taken apart.
struct ReasonParts {
    Cause cause = Cause::none;  // what took or set the field, other than the hosts' values
    std::string happened;       // without the hosts and the field's why
    std::size_t limiting = 0;   // how many hosts limit the field; the decision may list fewer
};

// why is that of the field. A reason in other words than ours is left as it is.
ReasonParts parts_of(const Decision& decision, std::string_view why);

}  // namespace poolcpuid::merge
