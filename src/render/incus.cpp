// The CPU of an Incus cluster group: instances.vm.cpu.x86_64.baseline and .flags (doc/howto/cluster_groups.md). Incus
// joins them by a comma and hands them to QEMU's -cpu as they stand (cpuType in
// internal/server/instance/drivers/driver_qemu_cpu.go of Incus 6.x), so all that QEMU has words for can be said.
#include "base/printable.hpp"
#include "render/qemu_cpu.hpp"
#include "render/rate_note.hpp"

namespace poolcpuid::render {

namespace {

// The group's name is whoever runs it to say: a pool is not called what a group is.
std::string set_command(const std::string& key, const std::string& value) {
    return "incus cluster group set \"${GROUP:-default}\" " +
           shell_word("instances.vm.cpu.x86_64." + key + "=" + value) + "\n";
}

}  // namespace

Rendering render_incus(const TargetInput& input) {
    QemuWords words;
    words.on_by_itself = {"topoext"};  // where guests have several threads a core
    words.trims = true;
    QemuCpu cpu = qemu_cpu(input, words);
    cpu.rendering.output =
        set_command("baseline", cpu.model) + set_command("flags", properties_text(cpu) + "," + refuse_property);
    cpu.rendering.notes.push_back(
        "The lines are commands for a shell; GROUP is the cluster group, default where it is not set: GROUP=NAME sh "
        "FILE. Only instances with migration.stateful=true get a group's CPU, when they start.");
    cpu.rendering.notes.push_back(
        "Incus gives guests memory to plug in later on the baselines host and kvm64 alone: instances of this group "
        "start with all that they get.");
    note_rate(input, "QEMU migrates none without tsc-frequency=HZ, which can stand among the flags.", cpu.rendering);
    return std::move(cpu.rendering);
}

Remedy incus_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                    const std::vector<StartUp>& hidden) {
    return through_qemu_remedy(input, rendering, host, hidden);
}

}  // namespace poolcpuid::render
