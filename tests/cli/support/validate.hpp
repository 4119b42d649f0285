// Whether a JSON document is as one of schemas/ says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poolcpuid::test {

// What is wrong with a document by schemas/NAME.schema.json, as the program bundles it: one text an error, none when it
// is valid. A text that is no JSON is one error. The program is asked once a name.
std::vector<std::string> schema_errors(const std::string& name, std::string_view document);

}  // namespace poolcpuid::test
