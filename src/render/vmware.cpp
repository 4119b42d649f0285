// CPUID of a VMware machine: masks of its configuration file (.vmx), a register each, in the words of the vSphere API
// (vim.host.CpuIdInfo): 1 and 0 are what the guest reads, "-" leaves a bit to VMware. Machines of hardware version 9
// and later go by feature masks as well, which have the names of features.
#include "base/hex.hpp"
#include "promises/owned_bits.hpp"
#include "render/targets.hpp"
#include "render/whole_rows.hpp"

namespace poolcpuid::render {

namespace {

// "----:…" as the API has it, the highest bit first.
std::string mask(std::uint32_t value, std::uint64_t left_alone) {
    constexpr unsigned group = 4;
    std::string text;
    for (unsigned i = 32; i-- > 0;) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        text += (left_alone & bit) != 0 ? '-' : (value & bit) != 0 ? '1' : '0';
        if (i % group == 0 && i != 0) text += ':';
    }
    return text;
}

// Hides the features that the policy lacks. Returns their names.
std::set<std::string> hide(GuestView& view, const VmwareData& data) {
    std::set<std::string> names;
    for (const auto& [id, name] : data.names) {
        const FieldIndex index = view.rules().rulebook().find(id);
        if (index == no_field || view.value(id, GuestView::Of::policy) != 0) continue;
        const Field& field = view.rules().rulebook()[index];
        if (!view.rules().applies(field)) continue;
        view.set(field, field.subleaf_first, 0, "A feature mask hides it.");
        names.insert(name);
    }
    return names;
}

}  // namespace

Rendering render_vmware(const TargetInput& input) {
    const VmwareData data = rulebook::vmware_data(input.rules.rulebook());
    const promises::OwnedBits owned(input.policy.owned);
    GuestView view(input.rules, input.policy);
    Rendering rendering;
    rendering.version = "masks of the vSphere API, names of vSphere 8.0 Update 1";
    forget_the_rest(view, data.words, "A mask has no subleaf: what the host has there shows.",
                    "The configuration has no words for MSRs: VMware shows what it makes of the host's.");
    for (const std::string& name : hide(view, data)) {
        rendering.output += "featMask.vm.cpuid." + name + " = \"Val:0\"\n";
    }
    for (const auto& [key, value] : rows_for(data.words, input.rules, input.policy)) {
        for (const Register reg : all_registers) {
            rendering.output += "cpuid." + to_hex(key.leaf).substr(2) + "." + std::string(to_string(reg)) + " = \"" +
                                mask(value[reg], owned.of({false, key, reg})) + "\"\n";
        }
    }
    view.settle();
    rendering.inexpressible = view.differences();
    rendering.notes.push_back(
        "The lines go into the machine's .vmx while it is powered off, or into its advanced configuration parameters.");
    rendering.notes.push_back(
        "That a guest reads what a mask says is the vSphere API's word; which leaves and features VMware withholds all "
        "the same is not published. Compare the guestCPUID lines of vmware.log after the first start with the policy.");
    return rendering;
}

Remedy vmware_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                     const std::vector<StartUp>& hidden) {
    if (!says_any(rendering, hidden)) {
        return nothing_to_do("the masks cannot tell the guest of these bits at all, see above.");
    }
    return nothing_to_do("a 1 in a mask is what the guest reads, whether the host has it or not.");
}

}  // namespace poolcpuid::render
