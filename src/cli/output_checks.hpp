// What -o must not name: a result never takes the place of what it was made from.
#pragma once

#include <string>
#include <vector>

namespace poolcpuid::cli {

// Throws UsageError when output, which may be empty, names one of the inputs (arguments as inputs.hpp describes them,
// or empty), or a file that is there in a directory among them. Files count, not names: links and other spellings too.
void check_output(const std::string& output, std::vector<std::string> inputs,
                  const std::vector<std::string>& more_inputs = {});

// Throws UsageError when both name one file, which the second would then replace. Either may be empty.
void check_two_outputs(const std::string& output, const std::string& other, const char* option_of_other);

}  // namespace poolcpuid::cli
