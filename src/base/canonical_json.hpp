// One text for all spellings of a JSON document: what a digest of its content is of.
#pragma once

#include <string>
#include <string_view>

#include "base/located_json.hpp"

namespace poolcpuid::json {

// The document without blanks between its tokens, the members of each object by key, bytewise, and strings in UTF-8
// with no escape that JSON does not ask for: what `jq -cSj .` prints. Where the document is an object and without is
// not empty, that member of it is left out, as by `del(.without)`. O(n log n) in the members of an object, else linear.
std::string canonical(const Value& document, std::string_view without = {});

}  // namespace poolcpuid::json
