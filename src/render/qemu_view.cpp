#include "render/qemu_view.hpp"

#include <algorithm>

#include "poolcpuid/policy_registers.hpp"

namespace poolcpuid::render {

namespace {

constexpr const char* nameless = "QEMU has no property for it.";
constexpr const char* computed = "QEMU computes it.";

}  // namespace

ShownSignature shown_by(const QemuModel& model) {
    return {{static_cast<std::uint16_t>(model.family), static_cast<std::uint16_t>(model.model),
             static_cast<std::uint16_t>(model.stepping)},
            true};
}

std::optional<std::uint64_t> number_of(const QemuData& data, const std::optional<QemuModels>& qemu,
                                       const std::string& model, const NumberProperty& number) {
    const bool is_last_leaf = !number.raised_by.empty();
    if (!is_last_leaf && (!number.of_host || !qemu)) return std::nullopt;
    if (!is_last_leaf && !qemu->numbers.contains(number.name)) return 0;
    if (qemu) {
        if (const auto at = qemu->models.find(model); at != qemu->models.end()) {
            const auto value = at->second.numbers.find(number.name);
            const bool is_told = value != at->second.numbers.end();
            if (is_told) return value->second == number.of_host ? std::nullopt : std::optional(value->second);
        }
    }
    for (const ModelNumbers& entry : data.models) {
        if (std::find(entry.models.begin(), entry.models.end(), model) == entry.models.end()) continue;
        for (const auto& [name, value] : entry.numbers) {
            if (name == number.name) return value;
        }
    }
    return std::nullopt;
}

QemuView::QemuView(const TargetInput& input, const QemuData& data)
    : input_(input), data_(data), hosts_(input.rules, input.policy), view_(input.rules, input.policy) {}

std::uint64_t QemuView::promised(const DataPlace& place) const {
    return PolicyRegisters(input_.policy).value(place.first());
}

std::optional<std::string> QemuView::brand() const {
    std::string bytes;
    for (std::uint32_t leaf = data_.brand.leaf_first; leaf <= data_.brand.leaf_last; ++leaf) {
        for (const Register reg : data_.brand.registers) {
            DataPlace place;
            place.leaf_first = leaf;
            place.registers = {reg};
            const std::uint64_t value = promised(place);
            for (unsigned byte = 0; byte < 4; ++byte) bytes += static_cast<char>((value >> (8 * byte)) & 0xFF);
        }
    }
    const std::string text = bytes.substr(0, bytes.find('\0'));
    const bool rest_is_empty = bytes.find_first_not_of('\0', text.size()) == std::string::npos;
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!rest_is_empty || !is_plain) return std::nullopt;
    return text;
}

void QemuView::show_brand(const std::string& text, const std::string& reason) {
    std::size_t at = 0;
    for (std::uint32_t leaf = data_.brand.leaf_first; leaf <= data_.brand.leaf_last; ++leaf) {
        for (const Register reg : data_.brand.registers) {
            std::uint64_t value = 0;
            for (unsigned byte = 0; byte < 4; ++byte, ++at) {
                if (at < text.size()) value |= std::uint64_t{static_cast<unsigned char>(text[at])} << (8 * byte);
            }
            view_.set({false, {leaf, 0}, reg}, ~std::uint32_t{0}, value, reason, GuestView::Kind::brand);
        }
    }
}

void QemuView::forget_brand(const std::string& reason) {
    for (std::uint32_t leaf = data_.brand.leaf_first; leaf <= data_.brand.leaf_last; ++leaf) {
        for (const Register reg : data_.brand.registers) {
            view_.forget({false, {leaf, 0}, reg}, ~std::uint32_t{0}, reason, GuestView::Kind::brand);
        }
    }
}

void QemuView::show_signature(const std::optional<ShownSignature>& shown, const std::string& reason) {
    constexpr std::uint64_t stepping = 0xF;
    const std::uint64_t unknown = !shown ? ~std::uint32_t{0} : shown->knows_stepping ? 0 : stepping;
    const auto show_at = [&](const promises::RegisterPlace& place, GuestView::Kind kind) {
        if (shown) view_.set(place, ~std::uint32_t{0}, leaf1_eax_of(shown->signature), reason, kind);
        if (unknown != 0) view_.forget(place, unknown, reason, kind);
    };
    const promises::RegisterPlace own{false, signature_key, Register::eax};
    show_at(own, GuestView::Kind::feature);
    for (const CopiedRegister& copy : data_.copies) {
        if (first_register(copy.from) != own || !is_for(copy.vendors, input_.vendor)) continue;
        show_at(first_register(copy.place), GuestView::Kind::description);
    }
}

void QemuView::forget(const DataPlace& place, const std::string& reason) {
    view_.forget(first_register(place), place.mask(), reason);
}

void QemuView::leave_to_model(const NumberProperty& number, const std::optional<std::uint64_t>& shown,
                              const std::string& reason) {
    if (!number.raised_by.empty()) {
        last_leaves_.push_back({&number, shown, reason});
        return;
    }
    const auto set = [&](std::uint64_t value) {
        view_.set(first_register(number.place), number.place.mask(), value << number.place.low, reason);
    };
    if (shown) return set(*shown);
    const auto untold = std::find_if(number.untold.begin(), number.untold.end(),
                                     [&](const auto& entry) { return is_for(entry.vendors, input_.vendor); });
    if (untold == number.untold.end()) return forget(number.place, reason);
    set(untold->value);
}

void QemuView::forget_register(const DataPlace& place, const std::string& reason) {
    view_.forget(first_register(place), ~std::uint32_t{0}, reason);
}

void QemuView::lose(const DataPlace& place, const std::string& reason) {
    view_.set(first_register(place), place.mask(), 0, reason);
}

void QemuView::lose(const Field& field, std::uint32_t subleaf, const std::string& reason) {
    if (data_.of_host.covers(field, subleaf)) {
        view_.forget(field, subleaf, "What QEMU is not told there, it takes from the host's KVM.");
    } else {
        view_.set(field, subleaf, 0, reason);
    }
}

bool QemuView::leaves_to_vmm(std::uint32_t leaf) const {
    const auto& owned = input_.policy.owned;
    return std::any_of(owned.begin(), owned.end(),
                       [&](const BitPlace& place) { return !place.is_msr && place.leaf == leaf; });
}

void QemuView::forget_leaf(std::uint32_t leaf, const std::string& reason) {
    constexpr std::uint32_t levels = 3;  // of topology: threads, cores, and the level that ends the list
    for (std::uint32_t subleaf = 0; subleaf < levels; ++subleaf) {
        for (const Register reg : all_registers) {
            view_.forget({false, {leaf, subleaf}, reg}, ~std::uint32_t{0}, reason, GuestView::Kind::description);
        }
    }
}

bool QemuView::is_said_otherwise(const Field& field, std::uint32_t subleaf) const {
    const LeafKey key{field.leaf, subleaf};
    if (!field.is_msr) {
        const bool is_vendor = key == vendor_key && field.reg != Register::eax;
        const bool is_signature = key == signature_key && field.reg == Register::eax;
        if (is_vendor || is_signature || data_.brand.covers(field, subleaf)) return true;
        // The states of XSAVE are laid out as on the host, which is as in the policy.
        if (field.leaf == input_.rules.xsave_leaf() && field.subleaf_last > field.subleaf_first) return true;
    }
    switch (field.derive.how) {
        case Derivation::none:
        case Derivation::constant:
        case Derivation::msr_offered:
        case Derivation::max_leaf:
        case Derivation::max_subleaf: break;
        case Derivation::copy_bits:
            return std::find(data_.copied_bits_for.begin(), data_.copied_bits_for.end(), input_.vendor) !=
                   data_.copied_bits_for.end();
        default: return true;
    }
    return std::any_of(data_.numbers.begin(), data_.numbers.end(),
                       [&](const NumberProperty& number) { return number.place.covers(field, subleaf); });
}

bool QemuView::decides_services() const {
    bool any = false;
    each_flag([&](const Field& field, std::uint32_t) {
        any = any || std::string_view(field.names.qemu).starts_with(services_prefix);
    });
    return any;
}

bool QemuView::leaves_service(std::string_view property) const {
    const auto fields = input_.rules.fields();
    const bool is_lacked = std::any_of(fields.begin(), fields.end(), [&](FieldIndex index) {
        const Field& field = input_.rules.rulebook()[index];
        return std::string_view(field.names.qemu) == property && hosts_.known(field).contains(0);
    });
    return !is_lacked && !decides_services();
}

bool QemuView::wants_pmu() const {
    return std::any_of(data_.pmu_for.begin(), data_.pmu_for.end(),
                       [&](const std::string& field) { return promised_of(field) != 0; });
}

void QemuView::lose_nameless() {
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        if (field.rule == Rule::owned || field.low == field.high) continue;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            if (view_.promised(field, subleaf) != 0 && !is_said_otherwise(field, subleaf))
                lose(field, subleaf, nameless);
        }
    }
}

bool QemuView::settle(const std::optional<VmmVersion>& release, Caches caches) {
    release_ = release;
    for (const bool is_known : {false, true}) {
        for (const FixedBits& bits : data_.fixed) show(view_, bits, GuestView::Kind::feature, is_known);
        for (const CopiedRegister& copy : data_.copies) {
            FixedBits bits;
            bits.place = copy.place;
            bits.vendors = copy.vendors;
            bits.releases = copy.releases;
            bits.value = promised(copy.from);
            bits.why = "QEMU shows the same as in the basic leaves.";
            show(view_, bits, GuestView::Kind::description, is_known);
        }
    }
    const bool without_l3 = describe_caches(caches);
    if (is_emulated()) {
        lay_out_xsave();
        hide_msrs();
    }
    settle_last_leaves();
    view_.settle();
    set_compacted_size();
    return without_l3;
}

// Bits that QEMU shows by itself: those of the release where is_known, else those that another release is known to
// show, which makes them unknown here. Unknown ones go first, for the same bits may be known of this release.
void QemuView::show(GuestView& view, const FixedBits& bits, GuestView::Kind kind, bool is_known) const {
    const bool is_elsewhere = !bits.accelerator.empty() && (bits.accelerator == "tcg") != is_emulated();
    if (is_elsewhere || !is_for(bits.vendors, input_.vendor)) return;
    if (!view.holds(bits, GuestView::Of::policy)) return;
    const bool has_leaf = !bits.if_leaf || view.sees_leaf(*bits.if_leaf);
    if ((bits.releases.has(release_) && has_leaf) != is_known) return;
    if (is_known) {
        view.apply(bits, kind);
        return;
    }
    FixedBits unknown = bits;
    unknown.value.reset();
    unknown.why = "It is not known here what this release of QEMU shows.";
    view.apply(unknown, kind);
}

bool QemuView::describe_caches(Caches caches) {
    const bool plain = caches == Caches::of_qemu;
    const bool known = plain && (!release_ || *release_ <= data_.caches_until);
    const auto apply = [&](GuestView& view, const std::vector<FixedBits>& all) {
        for (const bool is_known : {false, true}) {
            for (const FixedBits& bits : all) show(view, bits, GuestView::Kind::caches, is_known);
        }
    };
    if (!known) {
        for (const FixedBits& bits : data_.caches) {
            if (!is_for(bits.vendors, input_.vendor)) continue;
            view_.forget(first_register(bits.place), bits.place.mask(),
                         plain ? "How this release describes caches is not known here."
                               : "The model has its own description of caches.",
                         GuestView::Kind::caches);
        }
        return false;
    }
    GuestView no_l3 = view_;
    apply(view_, data_.caches);
    apply(no_l3, data_.caches);
    apply(no_l3, data_.without_l3);
    const auto losses = [](GuestView view) {
        view.settle();
        return view.differences().size();
    };
    const bool prefers_none = losses(no_l3) < losses(view_);
    if (prefers_none) apply(view_, data_.without_l3);
    return prefers_none;
}

// The last leaf of a range is the model's, or that of a feature which QEMU knows to need more
// (x86_cpu_expand_features). It knows that of some features alone: what the others have above it, the guest does not
// see.
void QemuView::settle_last_leaves() {
    for (const LastLeaf& entry : last_leaves_) {
        const DataPlace& place = entry.number->place;
        std::uint64_t last = 0;
        for (const RaisedBy& raised : entry.number->raised_by) {
            const std::uint64_t bits = view_.seen_register(first_register(raised.place)) & raised.place.mask();
            if (bits != 0) last = std::max<std::uint64_t>(last, raised.to);
        }
        if (entry.of_model) {
            view_.set(first_register(place), place.mask(), std::max(last, *entry.of_model), entry.reason);
            continue;
        }
        forget(place, entry.reason);
        view_.forget_above(place.leaf_first, last, "It is not known here whether the guest's leaves go that far.");
    }
}

// The emulation has one layout for the states of XSAVE, and not all of them.
void QemuView::lay_out_xsave() {
    const Rulebook& rulebook = input_.rules.rulebook();
    if (!input_.rules.xsave_leaf()) return;
    const auto vendor = std::find_if(rulebook.vendors.begin(), rulebook.vendors.end(),
                                     [&](const Vendor& v) { return v.id == data_.tcg_xsave_layout; });
    const auto mask = static_cast<VendorMask>(1U << (vendor - rulebook.vendors.begin()));
    const auto& releases = data_.tcg_xsave_states;
    const auto known = std::find_if(releases.begin(), releases.end(),
                                    [&](const TcgStates& entry) { return entry.releases.has(release_); });
    for (const XsaveComponent& component : rulebook.xsave) {
        if (component.state == XsaveState::legacy || view_.promised_size(component) == 0) continue;
        const bool is_in_all = std::all_of(releases.begin(), releases.end(),
                                           [&](const TcgStates& entry) { return entry.has(component.id); });
        if (is_in_all || (known != releases.end() && known->has(component.id))) {
            place_state(component, mask);
        } else if (known != releases.end()) {
            view_.drop_state(component, "The emulation of this release has no such state.");
        } else {
            view_.forget_state(component, "It is not known here whether this release's emulation has the state.");
        }
    }
}

// Where the emulation puts a state. vendors: whose layout it has.
void QemuView::place_state(const XsaveComponent& component, VendorMask vendors) {
    const LeafKey key{*input_.rules.xsave_leaf(), component.bit};
    const std::string reason = "The emulation has a layout of its own.";
    for (const XsaveLayout& layout : component.layouts) {
        if ((layout.vendors & vendors) == 0) continue;
        view_.set({false, key, Register::eax}, ~std::uint32_t{0}, layout.size, reason);
        const auto& unplaced = data_.tcg_xsave_unplaced;
        const bool is_placed = std::find(unplaced.begin(), unplaced.end(), component.id) == unplaced.end();
        view_.set({false, key, Register::ebx}, ~std::uint32_t{0}, is_placed ? layout.offset : 0, reason);
        if (!is_placed) view_.set({false, key, Register::ecx}, ~std::uint32_t{0}, 0, reason);
    }
}

void QemuView::hide_msrs() {
    for (const MsrRow& row : input_.policy.msrs) {
        view_.set({true, {row.index, 0}, Register::eax}, ~std::uint64_t{0}, 0, "The emulation has no such MSR.");
    }
}

// Each state after the legacy region, aligned to 64 bytes where its row says so (SDM vol. 1, 13.4.3).
void QemuView::set_compacted_size() {
    const Rulebook& rulebook = input_.rules.rulebook();
    const promises::RegisterPlace place = first_register(data_.compacted_size);
    const bool saves = std::any_of(input_.policy.cpuid.begin(), input_.policy.cpuid.end(), [&](const CpuidRow& row) {
        return row.key == LeafKey{place.key.leaf, 0} && row.value.eax != 0;
    });
    if (!saves) return;
    std::uint32_t size = rulebook.xsave_legacy_size;
    for (const XsaveComponent& component : rulebook.xsave) {
        if (component.state == XsaveState::legacy) continue;
        if (view_.is_unknown({false, {place.key.leaf, component.bit}, Register::eax})) {
            view_.forget(place, data_.compacted_size.mask(), computed);
            return;
        }
        const std::uint64_t row_size = view_.seen_register({false, {place.key.leaf, component.bit}, Register::eax});
        const std::uint64_t flags = view_.seen_register({false, {place.key.leaf, component.bit}, Register::ecx});
        if (row_size == 0) continue;
        if ((flags & 2U) != 0) size = (size + 63U) & ~63U;
        size += static_cast<std::uint32_t>(row_size);
    }
    view_.set(place, data_.compacted_size.mask(), size, computed);
}

}  // namespace poolcpuid::render
