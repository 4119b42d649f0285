// xl's cpuid in the form of Xend (xl.cfg(5)): registers bit by bit, so that no name is needed. Bits that the
// toolstack or the hypervisor fills in are x.
#include <algorithm>

#include "render/owned.hpp"
#include "render/targets.hpp"
#include "text/hex.hpp"

namespace poolcpuid::render {

namespace {

std::string register_text(const PoolPolicy& policy, const CpuidRow& row, Register reg) {
    const std::uint64_t owned = owned_mask(policy, {false, row.key, reg});
    std::string bits;
    for (unsigned bit = 32; bit-- > 0;) {
        const bool set = ((row.value[reg] >> bit) & 1U) != 0;
        bits += ((owned >> bit) & 1U) != 0 ? 'x' : set ? '1' : '0';
    }
    return std::string(to_string(reg)) + "=" + bits;
}

// The leaves whose fields all follow from features, which Xen computes itself, are left to it.
bool is_computed(const merge::Plan& plan, LeafKey key) {
    return plan.xsave_leaf() && key.leaf == *plan.xsave_leaf() && key.subleaf != 1;
}

}  // namespace

Rendering render_xen(const TargetInput& input) {
    Rendering rendering;
    rendering.version = "xl.cfg(5), the form of Xend";
    rendering.output = "cpuid = [\n";
    for (const CpuidRow& row : input.policy.cpuid) {
        if (is_computed(input.plan, row.key)) continue;
        rendering.output += "  \"" + to_hex(row.key.leaf) + "," + to_hex(row.key.subleaf) + ":";
        for (const Register reg : all_registers) {
            rendering.output += (reg == Register::eax ? "" : ",") + register_text(input.policy, row, reg);
        }
        rendering.output += "\",\n";
    }
    rendering.output += "]\n";

    GuestView view(input.plan, input.policy);
    for (const MsrRow& row : input.policy.msrs) {
        view.forget({true, {row.index, 0}, Register::eax}, ~std::uint64_t{0},
                    "cpuid has no words for MSRs: Xen decides what the guest reads.");
    }
    for (const FixedBits& bits : fixed_bits(target_document("xen"))) view.apply(bits);
    rendering.inexpressible = view.differences();
    rendering.notes.push_back(
        "Xen takes away what its maximum policy for the host lacks, and computes leaf Dh from the features: compare "
        "with "
        "xen-cpuid -p DOMID after the first start.");
    rendering.notes.push_back("xl refuses a leaf that the guest's default policy does not have.");
    return rendering;
}

Remedy xen_remedy(const TargetInput&, const Rendering&, const std::vector<StartUp>& hidden) {
    const std::vector<std::string> everywhere = strings_of(target_document("xen"), "everywhere");
    std::string clamped;
    for (const StartUp& entry : hidden) {
        if (std::find(everywhere.begin(), everywhere.end(), entry.field) != everywhere.end()) continue;
        clamped += (clamped.empty() ? "" : ", ") + entry.field;
    }
    if (clamped.empty()) return {"Nothing to do: Xen gives these bits on every host that knows them.", std::nullopt};
    return {"Xen clears " + clamped +
                " there, since the host's own maximum lacks it: the guest is not told, and must "
                "not run there if it can move to a host with it.",
            std::nullopt};
}

}  // namespace poolcpuid::render
