// libvirt's CPU of a guest (docs/formatdomain.rst): it gives QEMU a model and feature flags, and has no words for
// family, model, stepping and maximum leaves, so those are the model's.
#include "render/libvirt_cpu.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/printable.hpp"
#include "render/libvirt_model.hpp"
#include "render/libvirt_names.hpp"
#include "render/qemu_names.hpp"
#include "render/qemu_view.hpp"

namespace poolcpuid::render {

namespace {

constexpr const char* of_model = "libvirt leaves it to the CPU model.";

class CpuOfLibvirt {
public:
    CpuOfLibvirt(const TargetInput& input, const std::string& why_no_width)
        : input_(input),
          why_no_width_(why_no_width),
          libvirt_(rulebook::libvirt_data(input.rules.rulebook())),
          data_(rulebook::qemu_data(input.rules.rulebook())),
          guest_(input, data_),
          names_(input, guest_),
          models_(input, libvirt_, names_) {}

    LibvirtCpu run() {
        put_required();
        const CpuMapModel model = models_.choose(required_);
        put_disabled(model);
        LibvirtCpu cpu;
        cpu.model = model.name;
        for (const auto& [string, name] : libvirt_.vendors) {
            if (string == input_.policy.vendor) cpu.vendor = name;
        }
        cpu.address_bits = guest_.promised(phys_bits().place);
        for (const std::string& name : required_) cpu.features[name] = true;
        for (const std::string& name : disabled_) cpu.features[name] = false;
        cpu.rendering.version = version();
        cpu.rendering.model = nearest(model);
        leave_to_model(model);
        cpu.rendering.inexpressible = guest_.differences();
        cpu.rendering.notes = models_.notes(model, required_);
        if (!guest_.decides_services()) {
            cpu.rendering.notes.push_back(
                "Leaves from 40000000h on are not the policy's: guests have the services of KVM that QEMU turns on in "
                "its models, for which libvirt's <cpu> has no words.");
        }
        if (!input_.options.qemu_models) {
            for (std::string& note : notes_on_drops(data_, properties_)) cpu.rendering.notes.push_back(std::move(note));
        }
        return cpu;
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
            properties_.emplace(field.names.qemu);
            if (name.empty() && is_on_under_kvm(field)) return;
            if (name.empty()) {
                guest_.lose(field, subleaf, names_.why_not(field, subleaf));
            } else {
                required_.insert(name);
            }
        });
        show_services();
        guest_.lose_nameless();
        // The VMM's own, but check='full' takes what was not asked for as a mistake.
        for (const std::string& name : libvirt_.always) required_.insert(name);
    }

    // A service of KVM that QEMU turns on in each model of its own (kvm_default_props in target/i386/kvm/kvm-cpu.c).
    bool is_on_under_kvm(const Field& field) const {
        const auto& always = data_.always_kvm;
        return std::find(always.begin(), always.end(), field.names.qemu) != always.end();
    }

    // Those that a policy withholds which decides them, or that a host is known to lack.
    void show_services() {
        for (const FieldIndex index : input_.rules.fields()) {
            const Field& field = input_.rules.rulebook()[index];
            const bool is_more = is_on_under_kvm(field) && !guest_.leaves_service(field.names.qemu) &&
                                 guest_.promised(field, field.subleaf_first) == 0 &&
                                 names_.name_of(field, field.subleaf_first).empty();
            if (is_more) {
                guest_.gain(field, "QEMU turns it on in its models, and libvirt's <cpu> has no word to turn it off.");
            }
        }
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
        for (const FieldIndex index : input_.rules.fields()) {
            const Field& field = input_.rules.rulebook()[index];
            const std::string property(field.names.qemu);
            if (!QemuView::is_flag(field) || !properties.contains(property)) continue;
            const bool is_said = guest_.promised(field, field.subleaf_first) != 0 ||
                                 guest_.is_said_otherwise(field, field.subleaf_first) ||
                                 !names_.name_of_property(property).empty();
            if (!is_said) guest_.gain(field, "QEMU's model has it, and this libvirt has no name to turn it off.");
        }
    }

    const NumberProperty& phys_bits() const {
        return *std::find_if(data_.numbers.begin(), data_.numbers.end(),
                             [&](const NumberProperty& number) { return number.name == libvirt_.keeps; });
    }

    void leave_to_model(const CpuMapModel& model) {
        for (const NumberProperty& number : data_.numbers) {
            if (number.name == phys_bits().name) continue;
            guest_.leave_to_model(number, number_of(data_, input_.options.qemu_models, model.name, number), of_model);
        }
        if (!why_no_width_.empty()) guest_.forget(phys_bits().place, why_no_width_);
        guest_.forget_brand(of_model);
        for (const LeafSwitch& entry : data_.switches) {
            if (!guest_.leaves_to_vmm(entry.leaf)) guest_.forget_leaf(entry.leaf, "libvirt cannot turn it off.");
        }
        guest_.settle(std::nullopt, QemuView::Caches::of_model);
        guest_.show_signature(models_.shown(model), of_model);
    }

    const TargetInput& input_;
    const std::string& why_no_width_;
    const LibvirtData libvirt_;
    const QemuData data_;
    QemuView guest_;
    const LibvirtNames names_;
    const LibvirtModels models_;
    std::set<std::string> required_;
    std::set<std::string> properties_;  // of QEMU, that the policy's flags have
    std::set<std::string> disabled_;
};

}  // namespace

LibvirtCpu libvirt_cpu(const TargetInput& input, const std::string& why_no_width) {
    return CpuOfLibvirt(input, why_no_width).run();
}

Remedy through_libvirt_remedy(const Rendering& rendering, const std::vector<StartUp>& hidden,
                              std::string_view otherwise) {
    if (!says_any(rendering, hidden)) {
        return nothing_to_do("libvirt cannot be told of these bits at all, see above.");
    }
    return {"libvirt does not start the guest there: no feature can ask for what KVM does not list. " +
            std::string(otherwise)};
}

}  // namespace poolcpuid::render
