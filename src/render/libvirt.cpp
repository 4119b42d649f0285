// libvirt's <cpu> element (docs/formatdomain.rst).
#include "render/libvirt_cpu.hpp"
#include "render/rate_note.hpp"

namespace poolcpuid::render {

namespace {

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '\'': result += "&apos;"; break;
            default: result += c;
        }
    }
    return result;
}

std::string element(const LibvirtCpu& cpu) {
    std::string text = "<cpu mode='custom' match='exact' check='full'>\n  <model fallback='forbid'>" +
                       escaped(cpu.model) + "</model>\n";
    if (!cpu.vendor.empty()) text += "  <vendor>" + escaped(cpu.vendor) + "</vendor>\n";
    if (cpu.address_bits != 0) {
        text += "  <maxphysaddr mode='emulate' bits='" + std::to_string(cpu.address_bits) + "'/>\n";
    }
    for (const auto& [name, is_required] : cpu.features) {
        text += std::string("  <feature policy='") + (is_required ? "require" : "disable") + "' name='" +
                escaped(name) + "'/>\n";
    }
    return text + "</cpu>\n";
}

}  // namespace

Rendering render_libvirt(const TargetInput& input) {
    LibvirtCpu cpu = libvirt_cpu(input);
    cpu.rendering.output = element(cpu);
    cpu.rendering.notes.push_back(
        "With check='full' libvirt does not start the guest where QEMU or KVM would give it another CPU.");
    note_rate(input, "libvirt migrates none without <timer name='tsc' frequency='HZ'/> in <clock>.", cpu.rendering);
    return std::move(cpu.rendering);
}

Remedy libvirt_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                      const std::vector<StartUp>& hidden) {
    return through_libvirt_remedy(rendering, hidden,
                                  "Start it with QEMU's own argument (render --to qemu) in <qemu:commandline>, or keep "
                                  "it off these hosts.");
}

}  // namespace poolcpuid::render
