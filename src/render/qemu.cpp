// The argument of QEMU's -cpu: every property that the guest needs in order to see the policy.
//
// The plainest base is the model "base", which has no feature at all, so that nothing has to be turned off
// and no release can add to it. A named model is asked for its properties, and what the policy lacks is
// turned off.
#include <algorithm>
#include <set>

#include "poolcpuid/error.hpp"
#include "render/qemu_view.hpp"
#include "render/targets.hpp"
#include "text/hex.hpp"
#include "text/printable.hpp"

namespace poolcpuid::render {

namespace {

constexpr const char* plainest = "base";

// Where the guest is to start though the accelerator does not list a bit, and where it is not.
constexpr const char* refuse = "enforce=on";
constexpr const char* force = "x-force-features=on";

bool is_flag(const Field& field) { return field.low == field.high; }

class CpuArgument {
public:
    explicit CpuArgument(const TargetInput& input)
        : input_(input), names_(input.plan.rulebook(), data_, input.options.qemu), model_(plainest) {
        if (!input.options.base.empty() && !names_.is_asked()) {
            throw UsageError("--base needs a QEMU that can be asked what its model has: --qemu PATH");
        }
        if (!input.options.base.empty()) model_ = input.options.qemu->model;
    }

    Rendering run() {
        QemuView guest(input_, data_);
        put_identity(guest);
        put_numbers(guest);
        put_flags(guest);
        for (const LeafSwitch& entry : data_.switches) {
            if (guest.leaves_to_vmm(entry.leaf)) continue;
            if (names_.takes(entry.name)) {
                put(entry.name, "off");
            } else {
                guest.forget_leaf(entry.leaf, names_.why_not(entry.name));
            }
        }
        const bool without_l3 = guest.settle(names_.release(), model_ == plainest);
        if (without_l3) put("l3-cache", "off");

        Rendering rendering;
        rendering.inexpressible = guest.differences();
        rendering.version = names_.version();
        rendering.output = text(input_.options.accelerator == QemuAccelerator::tcg ? force : refuse);
        add_notes(rendering);
        return rendering;
    }

private:
    void put(const std::string& name, const std::string& value) { properties_.emplace_back(name, value); }

    std::string text(const std::string& guard) const {
        std::string result = model_;
        for (const auto& [name, value] : properties_) result += "," + name + "=" + value;
        return result + "," + guard + "\n";
    }

    void put_identity(QemuView& guest) {
        put("vendor", input_.policy.vendor);
        const Signature signature = signature_of(guest.leaf1_eax());
        put("family", std::to_string(signature.family));
        put("model", std::to_string(signature.model));
        put("stepping", std::to_string(signature.stepping));
        const auto brand = guest.brand();
        if (!brand) {
            guest.lose_brand("The text has bytes that an argument cannot carry.");
        } else if (brand->find(',') != std::string::npos) {
            guest.lose_brand("A comma ends a property of -cpu.");
            comma_brand_ = *brand;
            put("model-id", "");
        } else {
            put("model-id", *brand);
        }
    }

    void put_numbers(QemuView& guest) {
        for (const NumberProperty& number : data_.numbers) {
            const std::uint64_t value = guest.promised(number.place);
            if (value == 0 && !is_zero_said(number.name)) continue;
            if (names_.takes(number.name)) {
                put(number.name, value > 0xFFFF ? to_hex(value) : std::to_string(value));
            } else {
                guest.lose(number.place, names_.why_not(number.name));
            }
        }
        if (names_.takes("host-phys-bits")) put("host-phys-bits", "off");
    }

    // A maximum of 0 has to be said: QEMU would choose one.
    static bool is_zero_said(const std::string& name) { return name == "level-func7"; }

    void put_flags(QemuView& guest) {
        std::set<std::string> on;
        for (const std::string& name : data_.always) on.insert(name);
        if (input_.options.accelerator == QemuAccelerator::kvm) {
            on.insert(data_.always_kvm.begin(), data_.always_kvm.end());
        }
        for (const FieldIndex index : input_.plan.fields()) {
            const Field& field = input_.plan.rulebook()[index];
            if (!is_flag(field) || field.rule == Rule::owned) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                if (guest.promised(field, subleaf) == 0 || guest.is_said_otherwise(field, subleaf)) continue;
                if (names_.takes(field.names.qemu)) {
                    on.insert(std::string(field.names.qemu));
                } else {
                    guest.lose(field, subleaf, names_.why_not(field.names.qemu));
                }
            }
        }
        if (guest.wants_pmu() && names_.takes("pmu")) on.insert("pmu");
        for (const std::string& name : on) put(name, "on");
        for (const std::string& name : unwanted(on)) put(name, "off");
        guest.lose_nameless();
    }

    // What the model, or an accelerator by default, has and the policy has not. Properties that are no CPUID
    // feature stay as they are.
    std::set<std::string> unwanted(const std::set<std::string>& on) const {
        std::set<std::string> off;
        if (model_ == plainest) return off;
        std::set<std::string> features(data_.defaults.begin(), data_.defaults.end());
        // Fields of other vendors too: a model of one vendor can be the base for another.
        for (const Field& field : input_.plan.rulebook().fields) {
            if (!field.names.qemu.empty() && is_flag(field) && field.rule != Rule::owned) {
                features.emplace(field.names.qemu);
            }
        }
        const auto& flags = input_.options.qemu->flags;
        for (const std::string& name : features) {
            const auto flag = flags.find(name);
            const bool is_default =
                std::find(data_.defaults.begin(), data_.defaults.end(), name) != data_.defaults.end();
            if (flag != flags.end() && (flag->second || is_default) && !on.contains(name)) off.insert(name);
        }
        return off;
    }

    void add_notes(Rendering& rendering) const {
        if (names_.needed() && !names_.is_asked() && !names_.release()) {
            rendering.notes.push_back(
                "An older QEMU than " + to_string(*names_.needed()) +
                " refuses names that it does not know; give its version or its path with --qemu.");
        }
        if (!comma_brand_.empty()) {
            std::string doubled;
            for (const char c : comma_brand_) doubled += c == ',' ? ",," : std::string(1, c);
            rendering.notes.push_back(
                "For the brand string leave model-id out of -cpu and add to QEMU's arguments: -global 'driver=" +
                model_ + "-x86_64-cpu,property=model-id,value=" + printable(doubled) + "'");
        }
        if (input_.options.accelerator == QemuAccelerator::kvm) {
            rendering.notes.push_back(
                "With enforce=on QEMU does not start where KVM lacks a bit. Where such a bit is an announcement that "
                "this "
                "host's KVM does not list, put x-force-features=on in its place; --hosts says where.");
            rendering.notes.push_back(
                "Leaves from 40000000h on are not the policy's. The services of KVM that QEMU gives to its named "
                "models "
                "are turned on here: take away those that a kernel of the pool lacks.");
        }
    }

    const TargetInput& input_;
    const QemuData data_;
    QemuNames names_;
    std::string model_;
    std::vector<std::pair<std::string, std::string>> properties_;
    std::string comma_brand_;
};

}  // namespace

Rendering render_qemu(const TargetInput& input) { return CpuArgument(input).run(); }

Remedy qemu_remedy(const TargetInput&, const Rendering& rendering, const std::vector<StartUp>& hidden) {
    const bool any_is_said = std::any_of(hidden.begin(), hidden.end(), [&](const StartUp& entry) {
        return std::none_of(
            rendering.inexpressible.begin(), rendering.inexpressible.end(), [&](const Inexpressible& lost) {
                return lost.field == entry.field && lost.place.subleaf_first == entry.place.subleaf_first;
            });
    });
    if (!any_is_said) return {"Nothing to do: QEMU cannot be told of these bits at all, see above.", std::nullopt};
    std::string output = rendering.output;
    const std::size_t at = output.rfind(refuse);
    if (at != std::string::npos) output.replace(at, std::string(refuse).size(), force);
    return {
        "QEMU refuses to start there with enforce=on, and drops these bits without it. Use x-force-features=on in "
        "the place of enforce=on: QEMU then checks nothing, so run poolcpuid check for the host first.",
        output};
}

}  // namespace poolcpuid::render
