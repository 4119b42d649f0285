// One text for all spellings of a JSON document: what a digest of its content is of.
#pragma once

#include <string>

#include "base/located_json.hpp"

namespace poolcpuid::json {

// The document without blanks between its tokens, the members of each object by key, bytewise, and strings in UTF-8
// with no escape that JSON does not ask for: what `jq -cSj .` prints. O(n log n) in the members of an object, else
// linear.
std::string canonical(const Value& document);

}  // namespace poolcpuid::json
