// The CPU of a KubeVirt VirtualMachine (kubevirt.io/v1: VirtualMachineSpec, DomainSpec, CPU, CPUFeature, and the labels
// CPUModelLabel and CPUFeatureLabel), as YAML that can be merged into it.
#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "render/libvirt_cpu.hpp"
#include "render/rate_note.hpp"

namespace poolcpuid::render {

namespace {

// A scalar in double quotes (YAML 1.2, 7.3.1), which means no other type and ends nowhere else, whatever is in it.
std::string yaml_scalar(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + "\"";
}

// Names come from the cpu_map, of which nothing says that its text may stand in one line.
const std::string& yaml_name(const std::string& name) {
    if (name.empty() || printable(name) != name) {
        throw UsageError("YAML cannot hold the name \"" + printable(name) + "\" of the cpu_map as it stands");
    }
    return name;
}

}  // namespace

Rendering render_kubevirt(const TargetInput& input) {
    LibvirtCpu cpu = libvirt_cpu(input, "KubeVirt has no word for it: QEMU or its machine type chooses.");
    std::string text = "spec:\n  template:\n    spec:\n      domain:\n        cpu:\n          model: " +
                       yaml_scalar(yaml_name(cpu.model)) + "\n          features:\n";
    for (const auto& [name, is_required] : cpu.features) {
        text += "          - name: " + yaml_scalar(yaml_name(name)) +
                "\n            policy: " + (is_required ? "require" : "disable") + "\n";
    }
    cpu.rendering.output = std::move(text);
    cpu.rendering.notes.push_back(
        "KubeVirt places the guest on nodes alone that have the label cpu-model.node.kubevirt.io/MODEL and "
        "cpu-feature.node.kubevirt.io/NAME for each feature that is required: compare with the labels of the pool's "
        "nodes.");
    cpu.rendering.notes.push_back(
        "The width of physical addresses is libvirt's <maxphysaddr mode=\"emulate\" bits=\"N\"/> in <cpu>, with the N "
        "of "
        "the policy (poolcpuid show): KubeVirt puts it there with a hook sidecar alone (onDefineDomain, annotation "
        "hooks.kubevirt.io/hookSidecars). Without one, run VMs of the pool only on nodes whose width is the same.");
    note_rate(input, "KubeVirt goes by the nodes' labels cpu-timer.node.kubevirt.io/tsc-frequency and tsc-scalable.",
              cpu.rendering);
    return std::move(cpu.rendering);
}

Remedy kubevirt_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                       const std::vector<StartUp>& hidden) {
    return through_libvirt_remedy(
        rendering, hidden,
        "The policy force does not help, as QEMU drops what KVM does not list: keep the guests off these hosts.");
}

}  // namespace poolcpuid::render
