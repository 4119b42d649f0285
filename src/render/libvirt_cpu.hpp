// The guest's CPU in libvirt's words: a model, and features to require or to disable. Targets that go through libvirt
// write the same in files of their own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "render/targets.hpp"

namespace poolcpuid::render {

struct LibvirtCpu {
    std::string model;
    std::string vendor;                    // by libvirt's name; empty: it has none
    std::uint64_t address_bits = 0;        // of the policy; 0: it says nothing of them
    std::map<std::string, bool> features;  // true: required, else disabled
    Rendering rendering;                   // all but its output, its target and its hosts
};

// why_no_width: one sentence, where the target cannot say the address width; empty: it can. Throws UsageError as
// render_policy does. Linear in the models of the cpu_map and their features.
LibvirtCpu libvirt_cpu(const TargetInput& input, const std::string& why_no_width = {});

// What helps on a host that hides these, where otherwise is what the target has beside libvirt for such hosts.
Remedy through_libvirt_remedy(const Rendering& rendering, const std::vector<StartUp>& hidden,
                              std::string_view otherwise);

}  // namespace poolcpuid::render
