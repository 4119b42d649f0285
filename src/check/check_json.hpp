// What a check finds as JSON values, for documents that hold it.
#pragma once

#include <nlohmann/json.hpp>

#include "poolcpuid/check.hpp"

namespace poolcpuid::check {

nlohmann::ordered_json violation_json(const Rulebook& rulebook, const Violation& violation);
nlohmann::ordered_json start_up_json(const Rulebook& rulebook, const StartUp& start_up);

}  // namespace poolcpuid::check
