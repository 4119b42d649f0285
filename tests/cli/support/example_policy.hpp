// The policies of the example pools, as the program under test makes them.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid::test {

// The file of the policy of a pool of examples/, merged when it is first asked for. It is there until the tests end.
// Throws std::runtime_error when the program does not make it.
const std::string& example_policy(std::string_view pool);

}  // namespace poolcpuid::test
