// A custom CPU model of Proxmox VE: a section of /etc/pve/virtual-guest/cpu-models.conf (cpu-models.conf(5)), as
// PVE::QemuServer::CPUConfig and PVE::SectionConfig read it.
//
// A section has a model of QEMU's that is reported, flags and the widths of addresses. What else -cpu takes is the
// model's.
#include <algorithm>
#include <string_view>

#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "poolcpuid/error.hpp"
#include "render/qemu_cpu.hpp"
#include "render/rate_note.hpp"
#include "render/target_data.hpp"
#include "render/words.hpp"

namespace poolcpuid::render {

namespace {

constexpr const char* of_reported_model = "Proxmox leaves it to the CPU model.";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// What a section may be called (pve_verify_configid in PVE::JSONSchema): a letter, then letters, digits, "_" and "-",
// two characters at least.
std::string section_name(const std::string& pool) {
    std::string name;
    for (const char c : pool) name += is_letter(c) || (c >= '0' && c <= '9') || c == '_' ? c : '-';
    if (name.size() < 2 || !is_letter(name.front())) name = "pool-" + name;
    if (name == pool) return name;
    constexpr std::size_t digits = 6;  // so that pools of other names do not share a section
    return name + "-" + sha256_hex(pool).substr(0, digits);
}

// Throws UsageError where Proxmox does not know the model as one of the policy's vendor, or of any.
const std::string& reported_model(const TargetInput& input, const ProxmoxData& data) {
    const std::string& base = input.options.base;
    if (base.empty()) return data.plainest;
    const auto models = data.models_for(input.policy.vendor);
    if (std::find(models.begin(), models.end(), base) == models.end()) {
        throw UsageError("Proxmox reports no CPU model " + printable(base) + " for " + printable(input.policy.vendor));
    }
    return base;
}

std::string model_section(const std::string& name, const std::string& model, const QemuCpu& cpu) {
    std::string flags;
    std::string others;
    for (const auto& [property, value] : cpu.properties) {
        // cpu_flag_any_re of PVE::QemuServer::CPUConfig.
        if (!is_plain_name(property)) {
            throw UsageError("cpu-models.conf cannot hold the name \"" + printable(property) +
                             "\" of a property of QEMU");
        }
        if (value == "on" || value == "off") {
            flags += (flags.empty() ? "" : ";") + std::string(value == "on" ? "+" : "-") + property;
        } else {
            others += "\t" + property + " " + value + "\n";
        }
    }
    return "cpu-model: " + name + "\n\tflags " + flags + "\n" + others + "\treported-model " + model + "\n\n";
}

}  // namespace

Rendering render_proxmox(const TargetInput& input) {
    const ProxmoxData data = rulebook::proxmox_data(input.rules.rulebook());
    const std::string& model = reported_model(input, data);
    QemuWords words;
    words.numbers = data.numbers;
    words.why_not = of_reported_model;
    words.on_by_itself = {data.adds.begin(), data.adds.end()};
    words.plainest = data.plainest;
    words.plainest_has = {data.features.begin(), data.features.end()};
    words.plainest_shows = {data.signature};
    QemuCpu cpu = qemu_cpu(input, words);
    const std::string name = section_name(input.policy.pool);
    cpu.rendering.output = model_section(name, model, cpu);
    cpu.rendering.model.name = model;
    std::vector<std::string>& notes = cpu.rendering.notes;
    notes.push_back("VMs take it with qm set VMID --cpu custom-" + name +
                    ". An empty line ends a section: leave one before it, too.");
    if (name != input.policy.pool) {
        notes.push_back("A section's name has letters, digits, \"_\" and \"-\" alone: the pool's became " + name + ".");
    }
    if (!data.has_models_of(input.policy.vendor)) {
        notes.push_back("Proxmox reports no CPU model of " + printable(input.policy.vendor) + ": " + model +
                        " takes the vendor of the node, and family and model are no pool's.");
    }
    if (input.options.base.empty()) {
        notes.push_back(input.options.qemu_models
                            ? "The QEMU that was asked has no model that Proxmox reports there: of " + model +
                                  " it is told what other QEMUs have."
                            : "Without a QEMU to ask only the model " + model +
                                  " is known, which is no pool's CPU: give the program with --qemu PATH, on a node of "
                                  "Proxmox VE /usr/bin/qemu-system-x86_64.");
    }
    notes.push_back(
        "Proxmox starts QEMU with enforce, so a VM does not start where KVM lacks a bit. Where a guest must be told of "
        "what the section cannot say, QEMU's own argument (render --to qemu) goes into the VM's args.");
    note_rate(input, "QEMU migrates none without tsc-frequency=HZ in -cpu, for which a section has no word.",
              cpu.rendering);
    return std::move(cpu.rendering);
}

Remedy proxmox_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                      const std::vector<StartUp>& hidden) {
    if (!says_any(rendering, hidden)) {
        return nothing_to_do("the section does not tell the guest of these bits, see above.");
    }
    return {
        "Proxmox starts QEMU with enforce, which refuses there. Put QEMU's own argument (render --to qemu) with "
        "x-force-features=on in the place of enforce=on into args of the VMs that run there, after poolcpuid check for "
        "the host; or keep the VMs off it."};
}

}  // namespace poolcpuid::render
