// What render has to say beside the text that is to be pasted.
#pragma once

#include <cstddef>
#include <string>

#include "poolcpuid/render.hpp"

namespace poolcpuid::cli {

// What the target cannot say, what to do, and what hosts need. colour: with escape sequences.
std::string render_remarks(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering,
                           std::size_t width, bool colour);

}  // namespace poolcpuid::cli
