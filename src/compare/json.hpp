// What a check finds, and a difference, as JSON values, for documents that hold them.
#pragma once

#include <nlohmann/json.hpp>

#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::compare {

nlohmann::ordered_json violation_json(const Rulebook& rulebook, const Violation& violation);
nlohmann::ordered_json start_up_json(const Rulebook& rulebook, const StartUp& start_up);

// What to_json writes.
nlohmann::ordered_json difference_json(const Difference& difference, const Rulebook& rulebook);

}  // namespace poolcpuid::compare
