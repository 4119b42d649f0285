// The document of a difference as a JSON value, for documents that hold one.
#pragma once

#include <nlohmann/json.hpp>

#include "poolcpuid/diff.hpp"

namespace poolcpuid::diff {

// What to_json writes.
nlohmann::ordered_json difference_json(const Difference& difference, const Rulebook& rulebook);

}  // namespace poolcpuid::diff
