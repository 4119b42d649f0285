// What VMs need beside a policy that promises one rate, such as that of an invariant TSC, before they can be moved.
#pragma once

#include <string_view>

#include "poolcpuid/render.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

// Appends a note where guests of the rendering see a promise of one rate (Field::rates). how: a sentence on the VMM's
// means to pin it.
void note_rate(const TargetInput& input, std::string_view how, Rendering& rendering);

}  // namespace poolcpuid::render
