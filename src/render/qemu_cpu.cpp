// The properties that a guest of QEMU needs in order to see a policy.
//
// The plainest base is the model "base", which has no feature at all, so that nothing has to be turned off
// and no release can add to it. A named model is asked for its properties, and what the policy lacks is
// turned off.
#include "render/qemu_cpu.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "base/hex.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/table_values.hpp"
#include "render/qemu_view.hpp"

namespace poolcpuid::render {

namespace {

// What a brand string may be made of to be said: in -cpu a comma ends a property, and the argument gets pasted into
// shells and files that know quotes.
constexpr std::string_view brand_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ()@.:/_+-%";

// What is on beside the policy's flags: the VMM's business, and the switch of the performance monitoring unit.
std::set<std::string> on_beside(const TargetInput& input, const QemuData& data, const QemuView& guest) {
    std::set<std::string> on(data.always.begin(), data.always.end());
    if (input.options.accelerator == QemuAccelerator::kvm) {
        std::copy_if(data.always_kvm.begin(), data.always_kvm.end(), std::inserter(on, on.end()),
                     [&](const std::string& name) { return guest.leaves_service(name); });
    }
    if (guest.wants_pmu()) on.insert("pmu");
    return on;
}

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

class CpuOfQemu {
public:
    CpuOfQemu(const TargetInput& input, const QemuWords& words)
        : input_(input),
          words_(words),
          data_(rulebook::qemu_data(input.rules.rulebook())),
          names_(input.rules.rulebook(), data_, input.options.qemu),
          model_(words.plainest.empty() ? plainest_qemu_model : words.plainest) {
        if (!input.options.base.empty() && !names_.is_asked()) {
            throw UsageError("--base needs a QEMU that can be asked what its model has: --qemu PATH");
        }
        if (!input.options.base.empty()) model_ = input.options.qemu->model;
    }

    QemuCpu run() {
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
        const bool is_plain = model_ == plainest_qemu_model;
        const bool without_l3 =
            guest.settle(names_.release(), is_plain ? QemuView::Caches::of_qemu : QemuView::Caches::of_model);
        if (without_l3) put("l3-cache", "off");
        if (words_.numbers) show_model(guest);

        QemuCpu cpu;
        cpu.model = model_;
        cpu.properties = properties_;
        cpu.rendering.inexpressible = guest.differences();
        cpu.rendering.version = names_.version();
        add_notes(guest, cpu.rendering);
        return cpu;
    }

private:
    void put(const std::string& name, const std::string& value) { properties_.emplace_back(name, value); }

    const SayableNumber* word_for(const std::string& name) const {
        const auto at = std::find_if(words_.numbers->begin(), words_.numbers->end(),
                                     [&](const SayableNumber& word) { return word.name == name; });
        return at == words_.numbers->end() ? nullptr : &*at;
    }

    // Whether the target has words for the value. A 0 that QEMU chooses by itself needs none.
    bool can_say(const NumberProperty& number, std::uint64_t value) const {
        if (!words_.numbers) return true;
        const SayableNumber* word = word_for(number.name);
        if (word == nullptr) return false;
        return (value == 0 && !number.says_zero) || (word->min <= value && value <= word->max);
    }

    // What guests see of a number that is not said, as far as that is known.
    std::optional<std::uint64_t> shown_by_model(const NumberProperty& number) const {
        if (number.of_host && names_.knows(number.name) == Knows::no) return 0;
        const std::string& base = input_.options.base;
        return number_of(data_, input_.options.qemu_models, base.empty() ? model_ : base, number);
    }

    // Where the target has no words for who the CPU is, the model says it: as far as that is known.
    void show_model(QemuView& guest) const {
        std::optional<ShownSignature> shown;
        if (input_.options.base.empty()) {
            shown = words_.plainest_shows;
        } else if (input_.options.qemu_models) {
            const auto at = input_.options.qemu_models->models.find(input_.options.base);
            if (at != input_.options.qemu_models->models.end()) shown = shown_by(at->second);
        }
        guest.show_signature(shown, words_.why_not);
    }

    void put_identity(QemuView& guest) {
        if (words_.numbers) return guest.forget_brand(words_.why_not);
        put("vendor", input_.policy.vendor);
        const Signature signature = PolicyRegisters(input_.policy).signature();
        put("family", std::to_string(signature.family));
        put("model", std::to_string(signature.model));
        put("stepping", std::to_string(signature.stepping));
        auto brand = guest.brand();
        if (brand && words_.trims && trimmed(*brand) != *brand) {
            brand = trimmed(*brand);
            guest.show_brand(*brand, "Blanks at its ends are lost on the way to QEMU.");
        }
        const bool can_be_said = brand && brand->find_first_not_of(brand_characters) == std::string::npos;
        if (!can_be_said) guest.lose_brand("The text has characters that -cpu or a shell could take for their own.");
        put("model-id", can_be_said ? *brand : "");  // said even if empty, for a model has its own
    }

    void put_numbers(QemuView& guest) {
        for (const NumberProperty& number : data_.numbers) {
            const std::uint64_t value = guest.promised(number.place);
            if (!can_say(number, value)) {
                guest.leave_to_model(number, shown_by_model(number), words_.why_not);
                continue;
            }
            if (value == 0 && !is_zero_said(number)) continue;
            if (!number.only_with.empty() && guest.promised_of(number.only_with) == 0) {
                guest.forget_register(number.place, "QEMU chooses it for a guest without " + number.only_with + ".");
            } else if (names_.takes(number.name)) {
                put(number.name, value > 0xFFFF ? to_hex(value) : std::to_string(value));
                collect_turned_on(guest, number, value);
            } else {
                guest.lose(number.place, names_.why_not(number.name));
            }
        }
        if (!words_.numbers && names_.takes("host-phys-bits")) put("host-phys-bits", "off");
    }

    // What a number that was said turns on, and the policy has not. A release that is not known may do so.
    void collect_turned_on(const QemuView& guest, const NumberProperty& number, std::uint64_t value) {
        const Rulebook& rulebook = input_.rules.rulebook();
        for (const TurnedOn& entry : number.turns_on) {
            if (value < entry.from || (names_.release() && !entry.releases.has(names_.release()))) continue;
            for (const std::string& id : entry.fields) {
                if (guest.promised_of(id) == 0) turned_on_.insert(std::string(rulebook[rulebook.find(id)].names.qemu));
            }
        }
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
            if (input_.options.accelerator == QemuAccelerator::tcg && name.starts_with(services_prefix)) {
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
        for (const std::string& name : unwanted(guest, on)) put(name, "off");
        guest.lose_nameless();
    }

    // True when the QEMU that was asked turns the property off again though it was told to turn it on: where only what
    // is wanted is on, which is how the guest ends up.
    bool is_dropped(const std::string& name) const {
        if (!names_.is_asked()) return false;
        if (input_.options.accelerator == QemuAccelerator::kvm && name.starts_with(services_prefix)) return false;
        const auto& flags = input_.options.qemu->plain_flags;
        const auto flag = flags.find(name);
        return flag != flags.end() && !flag->second;
    }

    // What the model has on where the plainest one has not, known here or not; and what a number, an accelerator or the
    // target turns on. A second name of what is on is on in the plainest model, too.
    std::set<std::string> unwanted(const QemuView& guest, const std::set<std::string>& on) {
        std::set<std::string> off;
        for (const std::string& name : words_.on_by_itself) {
            const bool is_its_own = name.starts_with(services_prefix) && guest.leaves_service(name);
            if (!on.contains(name) && !is_its_own && names_.takes(name)) off.insert(name);
        }
        for (const std::string& name : turned_on_) {
            if (names_.takes(name)) off.insert(name);
        }
        if (model_ == plainest_qemu_model) return off;
        const auto put_off = [&](const std::vector<std::string>& names) {
            for (const std::string& name : names) {
                if (!on.contains(name) && names_.takes(name)) off.insert(name);
            }
        };
        put_off(data_.defaults);
        // kvm_default_props in target/i386/kvm/kvm-cpu.c; what of them is the VMM's business, is on.
        if (input_.options.accelerator == QemuAccelerator::kvm) put_off(data_.always_kvm);
        if (input_.options.base.empty()) {
            off.insert(words_.plainest_has.begin(), words_.plainest_has.end());
        } else {
            for (const auto& [name, is_on] : input_.options.qemu->flags) {
                const auto& plain_flags = input_.options.qemu->plain_flags;
                const auto plain = plain_flags.find(name);
                if (is_on && (plain == plain_flags.end() || !plain->second)) off.insert(name);
            }
        }
        for (const std::string& name : on) off.erase(name);
        return off;
    }

    void add_notes(const QemuView& guest, Rendering& rendering) const {
        if (input_.options.accelerator == QemuAccelerator::kvm) {
            rendering.notes.push_back(
                guest.decides_services()
                    ? "Of the leaves from 40000000h on KVM's services are the policy's: what it has not of them is off "
                      "here."
                    : "Leaves from 40000000h on are not the policy's. The services of KVM that QEMU gives to its named "
                      "models are turned on here, but for those that a host is known to lack: take away those that "
                      "another kernel of the pool lacks.");
        }
        if (names_.needed() && !names_.is_asked() && !names_.release()) {
            rendering.notes.push_back(
                "An older QEMU than " + to_string(*names_.needed()) +
                " refuses names that it does not know; give its version or its path with --qemu.");
        }
        if (names_.release()) return;
        std::set<std::string> on;
        for (const auto& [name, value] : properties_) {
            if (value == "on") on.insert(name);
        }
        for (std::string& note : notes_on_drops(data_, on)) rendering.notes.push_back(std::move(note));
    }

    const TargetInput& input_;
    const QemuWords& words_;
    const QemuData data_;
    QemuNames names_;
    std::string model_;
    std::vector<std::pair<std::string, std::string>> properties_;
    std::set<std::string> turned_on_;  // by numbers, against the policy
};

}  // namespace

QemuCpu qemu_cpu(const TargetInput& input, const QemuWords& words) { return CpuOfQemu(input, words).run(); }

std::string properties_text(const QemuCpu& cpu) {
    std::string text;
    for (const auto& [name, value] : cpu.properties) text += (text.empty() ? "" : ",") + name + "=" + value;
    return text;
}

std::set<std::string> qemu_properties(const TargetInput& input) {
    const QemuData data = rulebook::qemu_data(input.rules.rulebook());
    const QemuView guest(input, data);
    std::set<std::string> wanted = on_beside(input, data, guest);
    guest.each_flag([&](const Field& field, std::uint32_t) { wanted.emplace(field.names.qemu); });
    wanted.erase(std::string());
    return wanted;
}

std::vector<StartUp> added_by_qemu(const TargetInput& input, const HostDump& host, const std::vector<StartUp>& hidden) {
    if (!input.options.qemu) return {};
    const Rulebook& rulebook = input.rules.rulebook();
    // Of a dump of the hardware alone KVM is taken to list what the CPU has.
    const promises::ViewReader kvm(input.rules, host.hypervisor ? host.hypervisor->cpuid : host.first_table(),
                                   host.hypervisor ? host.hypervisor->msrs : host.hardware->msrs);
    const auto is_listed = [&](const std::string& id) {
        const Field& field = rulebook[rulebook.find(id)];
        return kvm.field(field, field.subleaf_first).value_or(0) != 0;
    };
    std::set<std::string> added;
    for (const AddedField& entry : rulebook::qemu_data(rulebook).adds) {
        const bool is_known = entry.releases.has(input.options.qemu->version);
        if (is_known && std::all_of(entry.where.begin(), entry.where.end(), is_listed)) added.insert(entry.field);
    }
    std::vector<StartUp> result;
    std::copy_if(hidden.begin(), hidden.end(), std::back_inserter(result),
                 [&](const StartUp& entry) { return added.contains(entry.field); });
    return result;
}

Remedy through_qemu_remedy(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                           const std::vector<StartUp>& hidden) {
    std::vector<StartUp> said;
    std::copy_if(hidden.begin(), hidden.end(), std::back_inserter(said),
                 [&](const StartUp& entry) { return says_any(rendering, {entry}); });
    if (said.empty()) return nothing_to_do("QEMU cannot be told of these bits at all, see above.");
    if (added_by_qemu(input, host, said).size() == said.size()) {
        return nothing_to_do("this QEMU gives there what it can be told of these bits, though KVM does not list it.");
    }
    Remedy remedy;
    remedy.advice =
        "QEMU refuses to start there with enforce=on, and drops these bits without it. Use x-force-features=on in "
        "the place of enforce=on: QEMU then checks nothing, so run poolcpuid check for the host first.";
    remedy.output = rendering.output;
    const std::size_t at = remedy.output->rfind(refuse_property);
    if (at != std::string::npos) {
        remedy.output->replace(at, std::string(refuse_property).size(), force_property);
    }
    return remedy;
}

}  // namespace poolcpuid::render
