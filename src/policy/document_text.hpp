// How places are written in our documents; shared by the writers.
#pragma once

#include <string>

#include "poolcpuid/policy.hpp"

namespace poolcpuid::document {

// "31:24", or "7".
std::string bits(const BitPlace& place);

// "0x2", or "0x0-0x1f" for a place that stands in every subleaf of a range.
std::string subleaves(const BitPlace& place);

// The options as one gives them to merge: "--ceiling x86-64-v3 --hide clzero"; "no options" for none.
std::string options_text(const RecordedOptions& options);

}  // namespace poolcpuid::document
