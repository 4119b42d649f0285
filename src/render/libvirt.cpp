// libvirt's <cpu> element (docs/formatdomain.rst). libvirt gives QEMU a model and feature flags; it has no words
// for family, model, stepping and maximum leaves, so those are the model's.
#include <algorithm>
#include <set>
#include <tuple>

#include "poolcpuid/error.hpp"
#include "render/qemu_view.hpp"
#include "render/targets.hpp"
#include "text/printable.hpp"

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

bool is_feature(const Field& field) { return field.low == field.high && field.rule != Rule::owned; }

class CpuElement {
public:
    explicit CpuElement(const TargetInput& input)
        : input_(input), document_(target_document("libvirt")), guest_(input, data_) {
        if (input.options.cpu_map) map_ = &*input.options.cpu_map;
    }

    Rendering run() {
        put_flags();
        const CpuMapModel model = choose_model();
        Rendering rendering;
        rendering.output = text(model);
        rendering.version = map_ != nullptr ? "the cpu_map in " + printable(map_->directory)
                                            : "libvirt's names as the rulebook has them, no cpu_map read";
        leave_to_model(model);
        rendering.inexpressible = guest_.differences();
        add_notes(rendering, model);
        return rendering;
    }

private:
    bool knows(std::string_view name) const {
        return !name.empty() && (map_ == nullptr || map_->features.contains(std::string(name)));
    }

    // The features of the policy that libvirt has names for; the others are lost.
    void put_flags() {
        for (const FieldIndex index : input_.plan.fields()) {
            const Field& field = input_.plan.rulebook()[index];
            if (!is_feature(field)) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                if (guest_.promised(field, subleaf) == 0 || guest_.is_said_otherwise(field, subleaf)) continue;
                if (knows(field.names.libvirt)) {
                    features_.insert(std::string(field.names.libvirt));
                } else {
                    guest_.lose(field, subleaf,
                                field.names.libvirt.empty() ? "libvirt has no name for it."
                                                            : "This libvirt has no name for it.");
                }
            }
        }
        guest_.lose_nameless();
    }

    CpuMapModel choose_model() const {
        if (map_ == nullptr) return known_model();
        if (!input_.options.base.empty()) {
            const auto at = map_->models.find(input_.options.base);
            if (at == map_->models.end()) {
                throw UsageError("the cpu_map has no CPU model " + printable(input_.options.base));
            }
            return at->second;
        }
        const CpuMapModel* best = nullptr;
        std::tuple<bool, bool, std::size_t> least{true, true, ~std::size_t{0}};
        for (const auto& [name, model] : map_->models) {
            if (model.vendor != input_.policy.vendor && !model.vendor.empty()) continue;
            const std::tuple distance{!has_signature(model, true), !has_signature(model, false), changes(model)};
            if (best == nullptr || distance < least) {
                best = &model;
                least = distance;
            }
        }
        if (best == nullptr) throw UsageError("the cpu_map has no CPU model for " + printable(input_.policy.vendor));
        return *best;
    }

    // What is known of the plainest model without a cpu_map.
    CpuMapModel known_model() const {
        CpuMapModel model;
        model.name = document_.find("plainest")->text();
        if (!input_.options.base.empty() && input_.options.base != model.name) {
            throw UsageError("--base needs libvirt's cpu_map, to know what the model has: --cpu-map DIR");
        }
        for (const std::string& name : strings_of(document_, "features")) model.features.insert(name);
        return model;
    }

    bool has_signature(const CpuMapModel& model, bool with_model) const {
        const Signature wanted = signature_of(guest_.leaf1_eax());
        return std::any_of(model.signatures.begin(), model.signatures.end(), [&](const CpuMapModel::Signature& entry) {
            return entry.family == wanted.family && (!with_model || entry.model == wanted.model);
        });
    }

    // The number of features that have to be required or disabled.
    std::size_t changes(const CpuMapModel& model) const {
        std::vector<std::string> different;
        std::set_symmetric_difference(features_.begin(), features_.end(), model.features.begin(), model.features.end(),
                                      std::back_inserter(different));
        return different.size();
    }

    std::string text(const CpuMapModel& model) const {
        std::string result = "<cpu mode='custom' match='exact' check='full'>\n  <model fallback='forbid'>" +
                             escaped(model.name) + "</model>\n";
        if (const json::Value* vendor = document_.find("vendors")->find(input_.policy.vendor)) {
            result += "  <vendor>" + escaped(vendor->text()) + "</vendor>\n";
        }
        const std::uint64_t bits = guest_.promised(phys_bits().place);
        if (bits != 0) result += "  <maxphysaddr mode='emulate' bits='" + std::to_string(bits) + "'/>\n";
        std::map<std::string, const char*> policies;
        for (const std::string& name : features_) policies[name] = "require";
        // The VMM's own, but check='full' takes what was not asked for as a mistake.
        for (const std::string& name : strings_of(document_, "always")) policies[name] = "require";
        // What QEMU's models or an accelerator may turn on by themselves.
        for (const std::string& name : strings_of(document_, "defaults")) {
            if (knows(name)) policies.try_emplace(name, "disable");
        }
        for (const auto* set : {&model.features, &model.removed}) {
            for (const std::string& name : *set) policies.try_emplace(name, "disable");
        }
        for (const auto& [name, policy] : policies) {
            result += std::string("  <feature policy='") + policy + "' name='" + escaped(name) + "'/>\n";
        }
        return result + "</cpu>\n";
    }

    const NumberProperty& phys_bits() const {
        const std::string kept = strings_of(document_, "keeps").front();
        return *std::find_if(data_.numbers.begin(), data_.numbers.end(),
                             [&](const NumberProperty& number) { return number.name == kept; });
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
        guest_.show_signature(
            has_signature(model, true) ? std::optional(signature_of(guest_.leaf1_eax())) : std::nullopt, of_model);
    }

    void add_notes(Rendering& rendering, const CpuMapModel& model) const {
        if (map_ == nullptr) {
            rendering.notes.push_back(
                "Without libvirt's cpu_map only the model " + model.name +
                " is known: give a copy of /usr/share/libvirt/cpu_map of your hosts with --cpu-map DIR.");
        } else if (!has_signature(model, true)) {
            rendering.notes.push_back("No CPU model of libvirt has the policy's family and model; " + model.name +
                                      " is the nearest. The qemu target can say them.");
        }
        rendering.notes.push_back(
            "With check='full' libvirt does not start the guest where QEMU or KVM would give it another CPU.");
    }

    const TargetInput& input_;
    const json::Value document_;
    const QemuData data_;
    const CpuMap* map_ = nullptr;
    QemuView guest_;
    std::set<std::string> features_;
};

}  // namespace

Rendering render_libvirt(const TargetInput& input) { return CpuElement(input).run(); }

Remedy libvirt_remedy(const TargetInput&, const Rendering& rendering, const std::vector<StartUp>& hidden) {
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
