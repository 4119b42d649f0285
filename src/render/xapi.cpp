// XAPI's featureset: the words of Xen's public featureset in their order, in hexadecimal, joined by "-".
//
// XAPI wants the featureset of a VM to be a part of the HVM max featureset of each host to which it moves
// (ocaml/xapi/cpuid_helpers.ml), and Xen takes it literally: no bit is added. It holds feature bits alone. Identity,
// numbers and leaves without a word are Xen's to choose.
#include "base/hex.hpp"
#include "render/targets.hpp"
#include "render/xen_guest.hpp"

namespace poolcpuid::render {

Rendering render_xapi(const TargetInput& input) {
    const XenData data(input.rules.rulebook(), input.vendor, input.options.xen);
    XenGuest guest(input, data, OnSomeHosts::lost);
    Rendering rendering;
    for (const std::uint32_t word : guest.features()) {
        rendering.output += (rendering.output.empty() ? "" : "-") + to_hex(word, 8).substr(2);
    }
    rendering.output += "\n";
    rendering.version = "HVM featureset of Xen " + to_string(data.release) + ", " + std::to_string(data.words.size()) +
                        " words up to " + data.words.back().name;

    guest.leave_to_host(
        [&](const Field& field, std::uint32_t subleaf) { return guest.bit_of(field, subleaf).has_value(); },
        "A featureset has no word for it: Xen takes the value of the host on which the VM starts.");
    guest.settle();
    rendering.inexpressible = guest.view().differences();
    rendering.notes = xen_notes(input, data, guest,
                                "An older one clears them when the VM starts, and XAPI then refuses to move the VM.");
    return rendering;
}

Remedy xapi_remedy(const TargetInput& input, const Rendering&, const HostDump&, const std::vector<StartUp>& hidden) {
    const std::string missing = not_given(input, hidden);
    if (missing.empty()) return nothing_to_do("Xen gives these bits on every host.");
    return {"Xen cannot give " + missing +
            " there, so the featureset leaves it out: the guest is told nowhere, and must not run on a host that "
            "has it."};
}

}  // namespace poolcpuid::render
