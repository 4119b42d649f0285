// The targets of render: each gives its text, what the guest sees then, and what it has to say of hosts.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "merge/vendor_rules.hpp"
#include "poolcpuid/render.hpp"
#include "render/guest_view.hpp"

namespace poolcpuid::render {

struct TargetInput {
    const merge::Plan& plan;
    const PoolPolicy& policy;
    const RenderOptions& options;
    std::string_view vendor;  // its id in the rulebook
};

// What is to be done on hosts whose VMM does not show some announcements of the policy by itself.
struct Remedy {
    std::string advice;
    std::optional<std::string> output;  // for these hosts, where it is another
};

// Each renders all but Rendering::hosts.
Rendering render_firecracker(const TargetInput& input);
Rendering render_kvm(const TargetInput& input);
Rendering render_libvirt(const TargetInput& input);
Rendering render_qemu(const TargetInput& input);
Rendering render_xapi(const TargetInput& input);
Rendering render_xen(const TargetInput& input);

// What the target qemu turns on where the QEMU has it.
std::set<std::string> qemu_properties(const TargetInput& input);

// Each says what helps on a host that hides these; hidden is not empty. host is one of those that do.
Remedy firecracker_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                          const std::vector<StartUp>& hidden);
Remedy kvm_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                  const std::vector<StartUp>& hidden);
Remedy libvirt_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                      const std::vector<StartUp>& hidden);
Remedy qemu_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                   const std::vector<StartUp>& hidden);
Remedy xapi_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                   const std::vector<StartUp>& hidden);
Remedy xen_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                  const std::vector<StartUp>& hidden);

struct Target {
    RenderTarget is;
    Rendering (*render)(const TargetInput& input);
    Remedy (*remedy)(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                     const std::vector<StartUp>& hidden);
};

// A new one is a file of its own, and here its two functions and a row. By name.
inline constexpr std::array targets{
    Target{{"firecracker", "a CPU template"}, render_firecracker, firecracker_remedy},
    Target{{"kvm", "JSON for VMMs on the raw API"}, render_kvm, kvm_remedy},
    Target{{"libvirt", "a <cpu> element"}, render_libvirt, libvirt_remedy},
    Target{{"qemu", "the argument of -cpu"}, render_qemu, qemu_remedy},
    Target{{"xapi", "a featureset"}, render_xapi, xapi_remedy},
    Target{{"xen", "cpuid for xl"}, render_xen, xen_remedy},
};

}  // namespace poolcpuid::render
