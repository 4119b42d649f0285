// Everything that people call a field: what other projects do, VMware and klauspost/cpuid, whose names render and the
// reader of Node Feature Discovery's labels speak, among them.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

// The fields of which is_it is true for the id or a name, in the rulebook's order. Linear in the number of fields, and
// reads the file of the target vmware.
std::vector<FieldIndex> fields_called(const Rulebook& rulebook, const std::function<bool(std::string_view)>& is_it);

}  // namespace poolcpuid::rulebook
