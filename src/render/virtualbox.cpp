// CPUID of a VirtualBox machine: VBoxManage modifyvm --cpuid-set (manual, chapter 8), which puts a row in the place of
// the host's. VirtualBox then takes away what it does not virtualise, and adds what is its own.
#include "render/targets.hpp"

#include "base/hex.hpp"
#include "render/whole_rows.hpp"

namespace poolcpuid::render {

namespace {

// The machine's name is whoever runs it to say: a policy is for many machines.
constexpr const char* modify = "VBoxManage modifyvm \"$VM\" ";

std::string digits(std::uint32_t value) { return to_hex(value, 8).substr(2); }

std::string cpuid_set(const LeafKey& key, const Registers& value) {
    std::string line = modify + ("--cpuid-set " + digits(key.leaf));
    for (const Register reg : all_registers) line += " " + digits(value[reg]);
    return line + "\n";
}

// What VirtualBox has a switch of its own for, by the name of the switch: each is said, for a machine keeps what it
// had.
using Switches = std::map<std::string, bool>;

Switches switches(const GuestView& view, const TargetInput& input, const VirtualBoxData& data) {
    Switches all;
    for (const Switch& entry : data.switches) {
        all[entry.option] |= is_for(entry.vendors, input.vendor) && view.holds(entry.condition, GuestView::Of::policy);
    }
    return all;
}

bool is_on(const Switches& switches, const std::string& option) {
    const auto at = switches.find(option);
    return at != switches.end() && at->second;
}

void show_what_is_its_own(GuestView& view, const TargetInput& input, const VirtualBoxData& data,
                          const Switches& switches) {
    for (const ShownBits& bits : data.shown) {
        view.set(first_register(bits.place), ~bits.mask & 0xFFFFFFFFU, 0, bits.why);
    }
    for (const FixedBits& bits : data.fixed) {
        const bool is_here = is_for(bits.vendors, input.vendor) && bits.with.holds(is_on(switches, bits.with.name));
        if (is_here && view.holds(bits, GuestView::Of::policy)) view.apply(bits);
    }
    for (const FixedBits& bits : data.highest) {
        const promises::RegisterPlace place = first_register(bits.place);
        if (view.seen_register(place) > *bits.value) view.set(place, bits.place.mask(), *bits.value, bits.why);
    }
}

}  // namespace

Rendering render_virtualbox(const TargetInput& input) {
    const VirtualBoxData data = rulebook::virtualbox_data(input.rules.rulebook());
    GuestView view(input.rules, input.policy);
    Rendering rendering;
    rendering.version = "VBoxManage of VirtualBox " + to_string(data.release);
    rendering.output = ": \"${VM:?is to be the name or UUID of a machine}\"\n";
    const Switches options = switches(view, input, data);
    for (const auto& [option, is_on] : options) {
        rendering.output += modify + ("--" + option) + (is_on ? " on\n" : " off\n");
    }
    rendering.output += modify + std::string("--cpuid-portability-level 0\n") + modify + "--cpuid-remove-all\n";
    for (const auto& [key, value] : rows_for(data.words, input.rules, input.policy)) {
        rendering.output += cpuid_set(key, value);
    }
    forget_the_rest(view, data.words, "VBoxManage sets no subleaf but the first: what the host has there shows.",
                    "VBoxManage has no words for MSRs: VirtualBox shows what it makes of the host's.");
    show_what_is_its_own(view, input, data, options);
    view.settle();
    rendering.inexpressible = view.differences();
    rendering.notes.push_back(
        "The lines are commands for a shell: VM=NAME sh FILE, for each machine while it is powered off. They put away "
        "what --cpuid-set said of it before.");
    rendering.notes.push_back("What is listed is so in VirtualBox " + to_string(data.release) +
                              "; a newer one may give guests more of it. Its VBox.log has what a guest saw.");
    return rendering;
}

Remedy virtualbox_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                         const std::vector<StartUp>& hidden) {
    if (!says_any(rendering, hidden)) {
        return nothing_to_do("VirtualBox cannot be told of these bits at all, see above.");
    }
    return nothing_to_do("VirtualBox shows what it is told, whether the host has it or not.");
}

}  // namespace poolcpuid::render
