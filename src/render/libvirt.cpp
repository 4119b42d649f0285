// libvirt's <cpu> element (docs/formatdomain.rst). libvirt gives QEMU a model and feature flags; it has no words
// for family, model, stepping and maximum leaves, so those are the model's.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/printable.hpp"
#include "render/libvirt_model.hpp"
#include "render/libvirt_names.hpp"
#include "render/qemu_view.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

namespace {

constexpr const char* of_model = "libvirt leaves it to the CPU model.";

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

class CpuElement {
public:
    explicit CpuElement(const TargetInput& input)
        : input_(input),
          libvirt_(rulebook::libvirt_data(input.plan.rulebook())),
          data_(rulebook::qemu_data(input.plan.rulebook())),
          guest_(input, data_),
          names_(input, guest_),
          models_(input, libvirt_, guest_, names_) {}

    Rendering run() {
        put_required();
        const CpuMapModel model = models_.choose(required_);
        put_disabled(model);
        Rendering rendering;
        rendering.output = text(model);
        rendering.version = version();
        rendering.model = nearest(model);
        leave_to_model(model);
        rendering.inexpressible = guest_.differences();
        rendering.notes = models_.notes(model, required_);
        rendering.notes.push_back(
            "With check='full' libvirt does not start the guest where QEMU or KVM would give it another CPU.");
        return rendering;
    }

private:
    std::string version() const {
        const std::optional<CpuMap>& map = input_.options.cpu_map;
        const std::optional<QemuModels>& qemu = input_.options.qemu_models;
        std::string text =
            map ? "the cpu_map in " + printable(map->directory) : "libvirt's names as the rulebook has them";
        text += qemu ? ", QEMU " + printable(qemu->full_version) + ", asked " + printable(qemu->program)
                     : ", no QEMU asked";
        return map ? text : text + ", no cpu_map read";
    }

    // The features of the policy that libvirt has names for; the others are lost.
    void put_required() {
        guest_.each_flag([&](const Field& field, std::uint32_t subleaf) {
            const std::string name = names_.name_of(field, subleaf);
            if (name.empty()) {
                guest_.lose(field, subleaf, names_.why_not(field, subleaf));
            } else {
                required_.insert(name);
            }
        });
        guest_.lose_nameless();
        // The VMM's own, but check='full' takes what was not asked for as a mistake.
        for (const std::string& name : libvirt_.always) required_.insert(name);
    }

    // What the guest would have and the policy lacks: features of the model, and what QEMU's model or an accelerator
    // turns on by itself.
    void put_disabled(const CpuMapModel& model) {
        std::set<std::string> offered = model.features;
        offered.insert(model.removed.begin(), model.removed.end());
        for (const std::string& name : libvirt_.defaults) offered.insert(name);
        for (const std::string& property : properties_of(model)) {
            const std::string name = names_.name_of_property(property);
            if (!name.empty()) offered.insert(name);
        }
        for (const std::string& name : offered) {
            const bool is_wanted = required_.contains(name) || names_.is_in_policy(name);
            if (!is_wanted && names_.knows(name) && !names_.is_left_to_vmm(name)) disabled_.insert(name);
        }
        show_unnamed(model);
    }

    NearestModel nearest(const CpuMapModel& model) const {
        NearestModel nearest{model.name, {}, {disabled_.begin(), disabled_.end()}};
        std::set_difference(required_.begin(), required_.end(), model.features.begin(), model.features.end(),
                            std::back_inserter(nearest.add));
        return nearest;
    }

    // The boolean properties that are on in QEMU's model.
    std::set<std::string> properties_of(const CpuMapModel& model) const {
        const std::optional<QemuModels>& qemu = input_.options.qemu_models;
        if (!qemu) return {};
        const auto at = qemu->models.find(model.name);
        return at == qemu->models.end() ? std::set<std::string>() : at->second.on;
    }

    // What QEMU's model has, the policy lacks, and libvirt has no name for.
    void show_unnamed(const CpuMapModel& model) {
        const std::set<std::string> properties = properties_of(model);
        for (const FieldIndex index : input_.plan.fields()) {
            const Field& field = input_.plan.rulebook()[index];
            const std::string property(field.names.qemu);
            if (!QemuView::is_flag(field) || !properties.contains(property)) continue;
            const bool is_said = guest_.promised(field, field.subleaf_first) != 0 ||
                                 guest_.is_said_otherwise(field, field.subleaf_first) ||
                                 !names_.name_of_property(property).empty();
            if (!is_said) guest_.gain(field, "QEMU's model has it, and this libvirt has no name to turn it off.");
        }
    }

    std::string text(const CpuMapModel& model) const {
        std::string result = "<cpu mode='custom' match='exact' check='full'>\n  <model fallback='forbid'>" +
                             escaped(model.name) + "</model>\n";
        for (const auto& [string, name] : libvirt_.vendors) {
            if (string == input_.policy.vendor) result += "  <vendor>" + escaped(name) + "</vendor>\n";
        }
        const std::uint64_t bits = guest_.promised(phys_bits().place);
        if (bits != 0) result += "  <maxphysaddr mode='emulate' bits='" + std::to_string(bits) + "'/>\n";
        std::map<std::string, const char*> policies;
        for (const std::string& name : required_) policies[name] = "require";
        for (const std::string& name : disabled_) policies[name] = "disable";
        for (const auto& [name, policy] : policies) {
            result += std::string("  <feature policy='") + policy + "' name='" + escaped(name) + "'/>\n";
        }
        return result + "</cpu>\n";
    }

    const NumberProperty& phys_bits() const {
        return *std::find_if(data_.numbers.begin(), data_.numbers.end(),
                             [&](const NumberProperty& number) { return number.name == libvirt_.keeps; });
    }

    void leave_to_model(const CpuMapModel& model) {
        for (const NumberProperty& number : data_.numbers) {
            if (number.name != phys_bits().name) guest_.forget(number.place, of_model);
        }
        guest_.forget_brand(of_model);
        for (const LeafSwitch& entry : data_.switches) {
            if (!guest_.leaves_to_vmm(entry.leaf)) guest_.forget_leaf(entry.leaf, "libvirt cannot turn it off.");
        }
        constexpr bool plain = false;  // the model may describe its caches
        guest_.settle(std::nullopt, plain);
        guest_.show_signature(models_.shown(model), of_model);
    }

    const TargetInput& input_;
    const LibvirtData libvirt_;
    const QemuData data_;
    QemuView guest_;
    const LibvirtNames names_;
    const LibvirtModels models_;
    std::set<std::string> required_;
    std::set<std::string> disabled_;
};

}  // namespace

Rendering render_libvirt(const TargetInput& input) { return CpuElement(input).run(); }

Remedy libvirt_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                      const std::vector<StartUp>& hidden) {
    const bool any_is_said = std::any_of(hidden.begin(), hidden.end(), [&](const StartUp& entry) {
        return std::none_of(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                            [&](const Inexpressible& lost) { return lost.field == entry.field; });
    });
    if (!any_is_said) return {"Nothing to do: libvirt cannot be told of these bits at all, see above.", std::nullopt};
    return {
        "libvirt does not start the guest there: no <feature> can ask for what KVM does not list. Start it with "
        "QEMU's own argument (render --to qemu) in <qemu:commandline>, or keep it off these hosts.",
        std::nullopt};
}

}  // namespace poolcpuid::render
