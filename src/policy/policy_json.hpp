// The policy document as a JSON value, for documents that hold one.
#pragma once

#include <nlohmann/json.hpp>

#include "poolcpuid/policy.hpp"

namespace poolcpuid::document {

// What to_json writes.
nlohmann::ordered_json policy_json(const PoolPolicy& policy);

}  // namespace poolcpuid::document
