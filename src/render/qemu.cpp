// The argument of QEMU's -cpu: every property that the guest needs in order to see the policy.
//
// The plainest base is the model "base", which has no feature at all, so that nothing has to be turned off
// and no release can add to it. A named model is asked for its properties, and what the policy lacks is
// turned off.
#include <algorithm>
#include <set>
#include <string_view>

#include "base/hex.hpp"
#include "poolcpuid/error.hpp"
#include "render/qemu_view.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

namespace {

// Where the guest is to start though the accelerator does not list a bit, and where it is not.
constexpr const char* refuse = "enforce=on";
constexpr const char* force = "x-force-features=on";

// What a brand string may be made of to be said: in -cpu a comma ends a property, and the argument gets pasted into
// shells and files that know quotes.
constexpr std::string_view brand_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ()@.:/_+-%";

// How QEMU begins the names of KVM's services, of which it knows nothing while it emulates.
constexpr std::string_view of_kvm = "kvm";

// True when the policy speaks of KVM's services: it decides then, else it is the VMM's business.
bool promises_services(const QemuView& guest) {
    bool any = false;
    guest.each_flag([&](const Field& field, std::uint32_t) { any = any || field.names.qemu.starts_with(of_kvm); });
    return any;
}

// What is on beside the policy's flags: the VMM's business, and the switch of the performance monitoring unit.
std::set<std::string> on_beside(const TargetInput& input, const QemuData& data, const QemuView& guest) {
    std::set<std::string> on(data.always.begin(), data.always.end());
    const bool is_kvm = input.options.accelerator == QemuAccelerator::kvm;
    if (is_kvm && !promises_services(guest)) on.insert(data.always_kvm.begin(), data.always_kvm.end());
    if (guest.wants_pmu()) on.insert("pmu");
    return on;
}

class CpuArgument {
public:
    explicit CpuArgument(const TargetInput& input)
        : input_(input),
          data_(rulebook::qemu_data(input.plan.rulebook())),
          names_(input.plan.rulebook(), data_, input.options.qemu),
          model_(plainest_qemu_model) {
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
        const bool without_l3 = guest.settle(names_.release(), model_ == plainest_qemu_model);
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
        const bool can_be_said = brand && brand->find_first_not_of(brand_characters) == std::string::npos;
        if (!can_be_said) guest.lose_brand("The text has characters that -cpu or a shell could take for their own.");
        put("model-id", can_be_said ? *brand : "");  // said even if empty, for a model has its own
    }

    void put_numbers(QemuView& guest) {
        for (const NumberProperty& number : data_.numbers) {
            const std::uint64_t value = guest.promised(number.place);
            if (value == 0 && !is_zero_said(number)) continue;
            if (!guest.holds(number.condition)) {
                guest.forget_register(number.place, "QEMU chooses it for a guest without " + number.condition + ".");
            } else if (names_.takes(number.name)) {
                put(number.name, value > 0xFFFF ? to_hex(value) : std::to_string(value));
            } else {
                guest.lose(number.place, names_.why_not(number.name));
            }
        }
        if (names_.takes("host-phys-bits")) put("host-phys-bits", "off");
    }

    // What QEMU would choose by itself, and what the model has otherwise. A name that not every release has is not
    // worth asking for a newer one.
    bool is_zero_said(const NumberProperty& number) const {
        if (names_.is_asked() && input_.options.qemu->model_numbers.contains(number.name)) return true;
        return number.says_zero && (names_.release() || names_.has_always(number.name));
    }

    void put_flags(QemuView& guest) {
        std::set<std::string> on = on_beside(input_, data_, guest);
        guest.each_flag([&](const Field& field, std::uint32_t subleaf) {
            const std::string name(field.names.qemu);
            if (input_.options.accelerator == QemuAccelerator::tcg && name.starts_with(of_kvm)) {
                guest.lose(field, subleaf, "An emulated guest has no KVM to serve it.");
            } else if (!names_.takes(name)) {
                guest.lose(field, subleaf, names_.why_not(name));
            } else if (is_dropped(name)) {
                guest.lose(field, subleaf, "QEMU drops it without another property that the policy leaves off.");
            } else {
                on.insert(name);
            }
        });
        for (const std::string& name : on) put(name, "on");
        for (const std::string& name : unwanted(on)) put(name, "off");
        guest.lose_nameless();
    }

    // True when the QEMU that was asked turns the property off again though it was told to turn it on: where only what
    // is wanted is on, which is how the guest ends up.
    bool is_dropped(const std::string& name) const {
        if (!names_.is_asked()) return false;
        if (input_.options.accelerator == QemuAccelerator::kvm && name.starts_with(of_kvm)) return false;
        const auto& flags = input_.options.qemu->plain_flags;
        const auto flag = flags.find(name);
        return flag != flags.end() && !flag->second;
    }

    // What the model has on where the plainest one has not, known here or not; and what an accelerator turns on by
    // default. A second name of what is on is on in the plainest model, too.
    std::set<std::string> unwanted(const std::set<std::string>& on) const {
        std::set<std::string> off;
        if (model_ == plainest_qemu_model) return off;
        const QemuFacts& qemu = *input_.options.qemu;
        for (const std::string& name : data_.defaults) {
            if (qemu.flags.contains(name)) off.insert(name);
        }
        for (const auto& [name, is_on] : qemu.flags) {
            const auto plain = qemu.plain_flags.find(name);
            if (is_on && (plain == qemu.plain_flags.end() || !plain->second)) off.insert(name);
        }
        for (const std::string& name : on) off.erase(name);
        return off;
    }

    void add_notes(Rendering& rendering) const {
        if (names_.needed() && !names_.is_asked() && !names_.release()) {
            rendering.notes.push_back(
                "An older QEMU than " + to_string(*names_.needed()) +
                " refuses names that it does not know; give its version or its path with --qemu.");
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
};

}  // namespace

Rendering render_qemu(const TargetInput& input) { return CpuArgument(input).run(); }

std::set<std::string> qemu_properties(const TargetInput& input) {
    const QemuData data = rulebook::qemu_data(input.plan.rulebook());
    const QemuView guest(input, data);
    std::set<std::string> wanted = on_beside(input, data, guest);
    guest.each_flag([&](const Field& field, std::uint32_t) { wanted.emplace(field.names.qemu); });
    wanted.erase(std::string());
    return wanted;
}

Remedy qemu_remedy(const TargetInput&, const Rendering& rendering, const HostDump&,
                   const std::vector<StartUp>& hidden) {
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
