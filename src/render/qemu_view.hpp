// What the guest of a QEMU sees: cpu_x86_cpuid of target/i386/cpu.c, as policy/targets/qemu.json states it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "render/guest_view.hpp"
#include "render/host_values.hpp"
#include "render/qemu_names.hpp"
#include "render/targets.hpp"

namespace poolcpuid::render {

// The family, model and stepping that a CPU model shows.
struct ShownSignature {
    Signature signature;
    bool knows_stepping = false;  // else the stepping is unknown, whatever the signature has
};

// Those that a QEMU which was asked said of its model.
ShownSignature shown_by(const QemuModel& model);

// What guests of a model see of a number that nobody says, as far as that follows from the model: 0 where the QEMU that
// was asked has no such property. Of the last leaf of a range it is what the model has by itself.
std::optional<std::uint64_t> number_of(const QemuData& data, const std::optional<QemuModels>& qemu,
                                       const std::string& model, const NumberProperty& number);

// How QEMU begins the names of KVM's services, of which it knows nothing while it emulates.
inline constexpr std::string_view services_prefix = "kvm";

class QemuView {
public:
    // Both must outlive the view.
    QemuView(const TargetInput& input, const QemuData& data);

    // The policy's brand string up to its first zero byte; nothing when it cannot be an argument.
    std::optional<std::string> brand() const;
    void lose_brand(const std::string& reason) { show_brand("", reason); }
    void show_brand(const std::string& text, const std::string& reason);
    void forget_brand(const std::string& reason);

    // The guest sees this of a model; nothing: all of it is unknown.
    void show_signature(const std::optional<ShownSignature>& shown, const std::string& reason);

    // The policy's value.
    std::uint64_t promised(const DataPlace& place) const;
    std::uint64_t promised(const Field& field, std::uint32_t subleaf) const { return view_.promised(field, subleaf); }

    // The guest sees zero there.
    void lose(const DataPlace& place, const std::string& reason);

    // Nobody can tell here what the guest sees there, or in all of the register.
    void forget(const DataPlace& place, const std::string& reason);
    // The guest sees a number of its model's: this one; nothing: it is not known here.
    void leave_to_model(const NumberProperty& number, const std::optional<std::uint64_t>& shown,
                        const std::string& reason);
    void forget_register(const DataPlace& place, const std::string& reason);
    void lose(const Field& field, std::uint32_t subleaf, const std::string& reason);

    // The guest sees a 1 there.
    void gain(const Field& field, const std::string& reason) { view_.set(field, field.subleaf_first, 1, reason); }

    // True when the policy leaves bits of the leaf to the VMM.
    bool leaves_to_vmm(std::uint32_t leaf) const;

    // Nobody can tell here what the guest sees in a leaf of which the policy shows nothing.
    void forget_leaf(std::uint32_t leaf, const std::string& reason);

    // True when another property than one of the field's own name sets it, or QEMU computes it as the policy does.
    bool is_said_otherwise(const Field& field, std::uint32_t subleaf) const;

    // Every flag of the policy that a name of the field's own says: visit(field, subleaf), which may change the view.
    template <typename Visit>
    void each_flag(const Visit& visit) const {
        for (const FieldIndex index : input_.rules.fields()) {
            const Field& field = input_.rules.rulebook()[index];
            if (!is_flag(field)) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                if (promised(field, subleaf) != 0 && !is_said_otherwise(field, subleaf)) visit(field, subleaf);
            }
        }
    }

    // A single bit that is not the VMM's own.
    static bool is_flag(const Field& field) { return field.low == field.high && field.rule != Rule::owned; }

    // True when the policy speaks of KVM's services: it decides then, else they are the VMM's business.
    bool decides_services() const;

    // True for a service of KVM that is the VMM's business, by the name of its property: the policy decides none, and
    // no host is known to lack this one.
    bool leaves_service(std::string_view property) const;

    // True when the policy shows a performance monitoring unit.
    bool wants_pmu() const;

    // What the policy has of a field, by its id: 0 of one that its vendor has not.
    std::uint64_t promised_of(const std::string& id) const { return view_.value(id, GuestView::Of::policy); }

    // Numbers and identities that no property sets.
    void lose_nameless();

    // Whose description of caches guests see: that of every model which has none, or one of the model's own.
    enum class Caches : std::uint8_t { of_qemu, of_model };

    // What QEMU shows by itself. release: nothing for any. True when l3-cache=off brings the guest nearer to the
    // policy.
    bool settle(const std::optional<VmmVersion>& release, Caches caches);

    std::vector<Inexpressible> differences() const { return view_.differences(); }

private:
    bool is_emulated() const { return input_.options.accelerator == QemuAccelerator::tcg; }
    void show(GuestView& view, const FixedBits& bits, GuestView::Kind kind, bool is_known) const;
    void settle_last_leaves();
    void lay_out_xsave();
    void place_state(const XsaveComponent& component, VendorMask vendors);
    void set_compacted_size();
    void hide_msrs();
    bool describe_caches(Caches caches);

    // The last leaf of a range that is the model's, which has this one, or one that is not known.
    struct LastLeaf {
        const NumberProperty* number;
        std::optional<std::uint64_t> of_model;
        std::string reason;
    };

    const TargetInput& input_;
    const QemuData& data_;
    const HostValues hosts_;
    std::vector<LastLeaf> last_leaves_;
    std::optional<VmmVersion> release_;
    GuestView view_;
};

}  // namespace poolcpuid::render
