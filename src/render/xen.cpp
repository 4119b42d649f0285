// xl's cpuid (xl.cfg(5)), which has two forms of which a domain has one.
//
// The form of Xend states registers bit by bit, so every number, but has no words for MSRs. The form of libxl states
// features by name, those of ARCH_CAPABILITIES among them, but hardly a number, and only of leaves that every host
// has: xl refuses to start a domain with a word about a leaf that the host does not have.
#include <algorithm>
#include <array>
#include <map>

#include "base/hex.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/owned_bits.hpp"
#include "render/targets.hpp"
#include "render/xen_guest.hpp"

namespace poolcpuid::render {

namespace {

struct Form {
    std::string text;
    std::vector<Inexpressible> lost;
    std::vector<std::string> notes;
};

bool is_computed(const XenData& data, const LeafKey& key, Register reg) {
    return std::any_of(data.computed.begin(), data.computed.end(),
                       [&](const DataPlace& place) { return place.has(key, reg); });
}

// The policy's rows, and zeros where it has none up to its highest leaves: Xen shows what is not said as on the host.
class XendForm {
public:
    XendForm(const TargetInput& input, const XenData& data)
        : input_(input), data_(data), owned_(input.policy.owned), guest_(input, data, OnSomeHosts::asked) {
        for (const CpuidRow& row : input.policy.cpuid) rows_[row.key] = row.value;
        add_empty_rows();
    }

    Form form() {
        Form form;
        form.text = "cpuid = [\n";
        for (const auto& [key, value] : rows_) {
            const std::string registers = registers_text(key, value);
            if (!registers.empty()) form.text += "  \"" + key_text(key) + ":" + registers + "\",\n";
        }
        form.text += "]\n";
        const auto is_said = [&](const Field& field, std::uint32_t subleaf) {
            if (field.is_msr) return guest_.bit_of(field, subleaf).has_value();
            return !is_computed(data_, {field.leaf, subleaf}, field.reg);
        };
        guest_.leave_to_host(is_said, "Xen takes the value of the host on which the domain starts.");
        guest_.leave_words_of_msrs_to_host("The form of Xend has no words for MSRs: Xen decides what the guest reads.");
        guest_.settle();
        form.lost = guest_.view().differences();
        form.notes = xen_notes(input_, data_, guest_, "An older one clears them.");
        form.notes.push_back(
            "xl refuses to start the domain on a host that lacks one of the leaves. A feature that the host's maximum "
            "lacks Xen clears and says nothing: compare with xen-cpuid -p DOMID after the first start.");
        return form;
    }

private:
    // Of a leaf. A policy may state any maximum; real ones are below.
    static constexpr std::uint32_t most_subleaves = 0x100;

    void add_empty_rows() {
        for (const FieldIndex index : input_.rules.fields()) {
            const Field& field = input_.rules.rulebook()[index];
            const auto highest = static_cast<std::uint32_t>(guest_.view().promised(field, field.subleaf_first));
            if (field.derive.how == Derivation::max_leaf) {
                for (std::uint32_t leaf = field.leaf; leaf <= highest && leaf - field.leaf < most_leaves_of_range;
                     ++leaf) {
                    if (!guest_.is_above(leaf) && !has_subleaves(leaf)) add_empty_row({leaf, 0});
                }
            } else if (field.derive.how == Derivation::max_subleaf) {
                for (std::uint32_t subleaf = 0; subleaf <= highest && subleaf < most_subleaves; ++subleaf) {
                    add_empty_row({field.leaf, subleaf});
                }
            }
        }
    }

    void add_empty_row(const LeafKey& key) {
        const bool is_empty_anyway = std::all_of(all_registers.begin(), all_registers.end(), [&](Register reg) {
            return std::any_of(data_.fixed.begin(), data_.fixed.end(), [&](const FixedBits& bits) {
                const DataPlace& place = bits.place;
                return bits.condition.name.empty() && bits.value && place.has(key, reg) && place.mask() == 0xFFFFFFFFU;
            });
        });
        if (!is_empty_anyway) rows_.try_emplace(key);
    }

    bool has_subleaves(std::uint32_t leaf) const {
        return std::find(data_.leaves.begin(), data_.leaves.end(), leaf) != data_.leaves.end();
    }

    std::string key_text(const LeafKey& key) const {
        return to_hex(key.leaf) + (has_subleaves(key.leaf) ? "," + to_hex(key.subleaf) : "");
    }

    std::string registers_text(const LeafKey& key, const Registers& value) const {
        std::string text;
        // A leaf without subleaves in Xen has one row, whatever ECX.
        if (guest_.is_above(key.leaf) || (key.subleaf != 0 && !has_subleaves(key.leaf))) return text;
        for (const Register reg : all_registers) {
            if (is_computed(data_, key, reg)) continue;
            const promises::RegisterPlace place{false, key, reg};
            const std::uint64_t owned = owned_.of(place);
            if (owned == 0xFFFFFFFFU) continue;
            const std::uint32_t asked = guest_.asked(place, value[reg]);
            text += (text.empty() ? "" : ",") + std::string(to_string(reg)) + "=";
            for (unsigned bit = 32; bit-- > 0;) {
                text += ((owned >> bit) & 1U) != 0 ? 'x' : ((asked >> bit) & 1U) != 0 ? '1' : '0';
            }
        }
        return text;
    }

    const TargetInput& input_;
    const XenData& data_;
    const promises::OwnedBits owned_;
    XenGuest guest_;
    std::map<LeafKey, Registers> rows_;
};

Form libxl_form(const TargetInput& input, const XenData& data) {
    XenGuest guest(input, data, OnSomeHosts::asked);
    Form form;
    form.text = "cpuid = \"host";
    const PolicyRegisters registers(input.policy);
    const auto value_at = [&](const DataPlace& place) {
        return static_cast<std::uint32_t>(registers.value(place.first()));
    };
    for (const auto& [name, place] : data.numbers) {
        form.text += "," + name + "=" + to_hex(guest.asked(first_register(place), value_at(place)));
    }
    const Signature signature = signature_of(value_at(data.signature));
    form.text += ",family=" + std::to_string(signature.family) + ",model=" + std::to_string(signature.model) +
                 ",stepping=" + std::to_string(signature.stepping);
    for (const XenFeature& feature : data.features) {
        const std::size_t word = feature.bit.word;
        if (!guest.shows_word(word) || (guest.owned(word) & feature.bit.mask()) != 0) continue;
        form.text += "," + data.libxl_name(feature) + (feature.bit.is_in(guest.features()) ? "=1" : "=0");
    }
    form.text += "\"\n";

    const auto is_said = [&](const Field& field, std::uint32_t subleaf) {
        if (const auto bit = guest.bit_of(field, subleaf)) {
            return guest.shows_word(bit->word) || !bit->is_in(data.defaults);
        }
        return data.signature.covers(field, subleaf) ||
               std::any_of(data.numbers.begin(), data.numbers.end(),
                           [&](const auto& number) { return number.second.covers(field, subleaf); });
    };
    guest.leave_to_host(
        is_said,
        "libxl has no name for it, or the policy no leaf in which to name it: Xen takes the value of the "
        "host on which the domain starts.");
    guest.settle();
    form.lost = guest.view().differences();
    form.notes = xen_notes(input, data, guest, "The xl of an older one has no such names.");
    form.notes.push_back(
        "The names are those of libxl " + to_string(data.release) +
        ", or of another with --xen. xl says on standard error which it does not know (\"unknown CPUID flag name\"), "
        "leaves them out and starts the domain: read what it says at the first start. A feature that the host's "
        "maximum lacks Xen clears and says nothing: compare with xen-cpuid -p DOMID. A domain with a higher maxleaf "
        "than the host's it does not start.");
    return form;
}

// How much a guest is at risk: entries by severity, the worst first.
std::array<std::size_t, 4> harm(const std::vector<Inexpressible>& lost) {
    std::array<std::size_t, 4> counts{};
    for (const Inexpressible& entry : lost) {
        const bool is_loss = entry.telling == Telling::less || entry.telling == Telling::otherwise;
        switch (entry.impact) {
            case Impact::crash:
            case Impact::wrong_result: ++counts[0]; break;
            case Impact::security: ++counts[is_loss ? 2 : 1]; break;
            default: ++counts[3]; break;
        }
    }
    return counts;
}

}  // namespace

Rendering render_xen(const TargetInput& input) {
    const XenData data(input.rules.rulebook(), input.vendor, input.options.xen);
    Form xend = XendForm(input, data).form();
    Form libxl = libxl_form(input, data);
    const bool is_xend =
        input.options.xen_form ? *input.options.xen_form == XenForm::xend : harm(xend.lost) <= harm(libxl.lost);
    Rendering rendering;
    Form& form = is_xend ? xend : libxl;
    rendering.version =
        is_xend ? "xl.cfg(5), the form of Xend" : "xl.cfg(5), the form of libxl " + to_string(data.release);
    rendering.output = std::move(form.text);
    rendering.inexpressible = std::move(form.lost);
    rendering.notes = std::move(form.notes);
    if (!input.options.xen_form) {
        rendering.notes.push_back(
            is_xend ? "xl takes one form a domain. This one states every register; --form libxl states the MSRs, and "
                      "leaves numbers and leaves that some hosts lack to the host."
                    : "xl takes one form a domain. This one states features by name, those of MSRs too; --form xend "
                      "states every register of CPUID, and leaves MSRs to the host.");
    }
    return rendering;
}

Remedy xen_remedy(const TargetInput& input, const Rendering&, const HostDump&, const std::vector<StartUp>& hidden) {
    const std::string missing = not_given(input, hidden);
    if (missing.empty()) return nothing_to_do("Xen gives these bits on every host that knows them.");
    return {"Xen clears " + missing +
            " there, since the host's own maximum lacks it: the guest is not told, and must "
            "not run there if it can move to a host with it."};
}

}  // namespace poolcpuid::render
