// The targets of render: each gives its text, what the guest sees then, and what it has to say of hosts.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/render.hpp"
#include "promises/vendor_rules.hpp"
#include "render/guest_view.hpp"

namespace poolcpuid::render {

struct TargetInput {
    const promises::VendorRules& rules;
    const PoolPolicy& policy;
    const RenderOptions& options;
    std::string_view vendor;  // its id in the rulebook
};

// What is to be done on hosts whose VMM does not show some announcements of the policy by itself.
struct Remedy {
    std::string advice;                   // a sentence or two; where it needs nothing, why, to follow a colon
    bool needs_nothing = false;           // the bits show there, or there is no way to tell of them
    std::optional<std::string> output{};  // for these hosts, where it is another
};

inline Remedy nothing_to_do(std::string why) { return {std::move(why), true}; }

// Each renders all but Rendering::hosts.
Rendering render_firecracker(const TargetInput& input);
Rendering render_incus(const TargetInput& input);
Rendering render_kubevirt(const TargetInput& input);
Rendering render_kvm(const TargetInput& input);
Rendering render_libvirt(const TargetInput& input);
Rendering render_nova(const TargetInput& input);
Rendering render_proxmox(const TargetInput& input);
Rendering render_qemu(const TargetInput& input);
Rendering render_virtualbox(const TargetInput& input);
Rendering render_vmware(const TargetInput& input);
Rendering render_xapi(const TargetInput& input);
Rendering render_xen(const TargetInput& input);

// What the target qemu turns on where the QEMU has it.
std::set<std::string> qemu_properties(const TargetInput& input);

// Each says what helps on a host that hides these; hidden is not empty. host is one of those that do.
Remedy firecracker_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                          const std::vector<StartUp>& hidden);
Remedy incus_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                    const std::vector<StartUp>& hidden);
Remedy kubevirt_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                       const std::vector<StartUp>& hidden);
Remedy kvm_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                  const std::vector<StartUp>& hidden);
Remedy libvirt_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                      const std::vector<StartUp>& hidden);
Remedy nova_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                   const std::vector<StartUp>& hidden);
Remedy proxmox_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                      const std::vector<StartUp>& hidden);
Remedy qemu_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                   const std::vector<StartUp>& hidden);
Remedy virtualbox_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                         const std::vector<StartUp>& hidden);
Remedy vmware_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                     const std::vector<StartUp>& hidden);
Remedy xapi_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                   const std::vector<StartUp>& hidden);
Remedy xen_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                  const std::vector<StartUp>& hidden);

// True when the rendering tells guests of one of these.
bool says_any(const Rendering& rendering, const std::vector<StartUp>& hidden);

struct Target {
    RenderTarget is;
    Rendering (*render)(const TargetInput& input);
    Remedy (*remedy)(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                     const std::vector<StartUp>& hidden);
};

// A new one is a file of its own, and here its two functions and a row. By name.
inline constexpr std::array targets{
    Target{{"firecracker", "a CPU template"}, render_firecracker, firecracker_remedy},
    Target{{"incus", "the CPU of a cluster group", "qemu"}, render_incus, incus_remedy},
    Target{{"kubevirt", "the cpu of a VirtualMachine", "libvirt"}, render_kubevirt, kubevirt_remedy},
    Target{{"kvm", "JSON for VMMs on the raw API"}, render_kvm, kvm_remedy},
    Target{{"libvirt", "a <cpu> element", "libvirt"}, render_libvirt, libvirt_remedy},
    Target{{"nova", "lines of nova.conf", "libvirt"}, render_nova, nova_remedy},
    Target{{"proxmox", "a section of cpu-models.conf", "qemu"}, render_proxmox, proxmox_remedy},
    Target{{"qemu", "the argument of -cpu", "qemu"}, render_qemu, qemu_remedy},
    Target{{"virtualbox", "VBoxManage commands"}, render_virtualbox, virtualbox_remedy},
    Target{{"vmware", "lines of a .vmx"}, render_vmware, vmware_remedy},
    Target{{"xapi", "a featureset", "xen"}, render_xapi, xapi_remedy},
    Target{{"xen", "cpuid for xl", "xen"}, render_xen, xen_remedy},
};

}  // namespace poolcpuid::render
