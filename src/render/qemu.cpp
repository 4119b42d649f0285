// The argument of QEMU's -cpu: every property that the guest needs in order to see the policy.
#include "render/qemu_cpu.hpp"
#include "render/rate_note.hpp"

namespace poolcpuid::render {

Rendering render_qemu(const TargetInput& input) {
    QemuCpu cpu = qemu_cpu(input);
    const bool is_emulated = input.options.accelerator == QemuAccelerator::tcg;
    cpu.rendering.output =
        cpu.model + "," + properties_text(cpu) + "," + (is_emulated ? force_property : refuse_property) + "\n";
    if (!is_emulated) {
        cpu.rendering.notes.push_back(
            "With enforce=on QEMU does not start where KVM lacks a bit. Where such a bit is an announcement that this "
            "host's KVM does not list, put x-force-features=on in its place; --hosts says where.");
        note_rate(input, "QEMU migrates none without tsc-frequency=HZ in -cpu.", cpu.rendering);
    }
    return std::move(cpu.rendering);
}

Remedy qemu_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                   const std::vector<StartUp>& hidden) {
    return through_qemu_remedy(input, rendering, host, hidden);
}

}  // namespace poolcpuid::render
