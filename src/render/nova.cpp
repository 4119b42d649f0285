// Options of Nova's section [libvirt] (nova/conf/libvirt.py): the CPU of every guest of a compute node.
//
// oslo.config reads a line as NAME = VALUE, splits lists at commas and takes "$" for another option, so names of models
// and features are held to what needs no quotes.
#include <algorithm>
#include <string>
#include <vector>

#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "render/libvirt_cpu.hpp"
#include "render/rate_note.hpp"
#include "render/words.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::render {

namespace {

const std::string& option_name(const std::string& name) {
    if (!is_plain_name(name)) {
        throw UsageError("nova.conf cannot hold the name \"" + printable(name) +
                         "\" of the cpu_map: names are made of letters, digits, \".\", \"_\" and \"-\"");
    }
    return name;
}

}  // namespace

Rendering render_nova(const TargetInput& input) {
    LibvirtCpu cpu = libvirt_cpu(input, "Nova has it in the flavor, not in nova.conf.");
    Rendering& rendering = cpu.rendering;
    rendering.output =
        "[libvirt]\ncpu_mode = custom\ncpu_models = " + option_name(cpu.model) + "\ncpu_model_extra_flags = ";
    const char* separator = "";
    const std::vector<std::string> always = rulebook::libvirt_data(input.rules.rulebook()).always;
    for (const auto& [name, is_required] : cpu.features) {
        // Nova would look for it in the host's CPU, which has none of what QEMU shows every guest.
        if (is_required && std::find(always.begin(), always.end(), name) != always.end()) continue;
        rendering.output += separator + std::string(is_required ? "+" : "-") + option_name(name);
        separator = ", ";
    }
    rendering.output += "\n";
    if (cpu.address_bits != 0) {
        const std::string bits = std::to_string(cpu.address_bits);
        rendering.notes.push_back(
            "The address width is the flavor's: openstack flavor set FLAVOR --property hw:maxphysaddr_mode=emulate "
            "--property hw:maxphysaddr_bits=" +
            bits + ". Without it QEMU or its machine type chooses.");
    }
    // nova/virt/libvirt/driver.py, _check_cpu_compatibility; nova/conf/workarounds.py.
    rendering.notes.push_back(
        "nova-compute compares each flag with the host's own CPU when it starts, and ends where that lacks one, though "
        "KVM or QEMU gives it to guests or the flag only tells of another host of the pool; and it compares a guest's "
        "CPU with the host to which the guest is to move. [workarounds] skip_cpu_compare_at_startup = True and "
        "skip_cpu_compare_on_dest = True leave the comparisons to libvirt.");
    rendering.notes.push_back(
        "Every compute node of the pool gets the same lines. They are read when nova-compute starts; a guest gets them "
        "when it is started or hard-rebooted.");
    note_rate(input, "libvirt migrates none without <timer name='tsc' frequency='HZ'/>, which is not in nova.conf.",
              rendering);
    return std::move(rendering);
}

Remedy nova_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                   const std::vector<StartUp>& hidden) {
    return through_libvirt_remedy(rendering, hidden, "Nova has no other way to ask: keep the guests off these hosts.");
}

}  // namespace poolcpuid::render
