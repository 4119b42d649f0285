#include "render/guest_view.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>

#include "render/owned.hpp"
#include "render/words.hpp"
#include "text/hex.hpp"

namespace poolcpuid::render {

using merge::RegisterPlace;

namespace {

std::uint64_t mask_of(unsigned low, unsigned high) {
    const unsigned width = high - low + 1;
    return (width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1) << low;
}

// An unknown value counts, unless nobody is ever shown the field.
template <typename Bits>
bool differs(const Field& field, std::uint64_t mask, const Bits& bits) {
    if (((bits.promised ^ bits.seen) & ~bits.unknown & mask) != 0) return true;
    return (bits.unknown & mask) != 0 && field.rule != Rule::hide;
}

}  // namespace

GuestView::GuestView(const merge::Plan& plan, const PoolPolicy& policy) : plan_(plan), policy_(policy) {
    for (const CpuidRow& row : policy.cpuid) {
        for (const Register reg : all_registers) {
            registers_[{false, row.key, reg}] = {row.value[reg], row.value[reg], 0};
        }
    }
    for (const MsrRow& row : policy.msrs) {
        const std::uint64_t value = row.value.value_or(0);
        registers_[{true, {row.index, 0}, Register::eax}] = {value, value, 0};
    }
}

void GuestView::set(const RegisterPlace& place, std::uint64_t mask, std::uint64_t value, const std::string& reason,
                    Kind kind) {
    Bits& bits = registers_[place];
    bits.seen = (bits.seen & ~mask) | (value & mask);
    bits.unknown &= ~mask;
    reasons_[place].push_back({mask, reason, kind});
}

void GuestView::forget(const RegisterPlace& place, std::uint64_t mask, const std::string& reason, Kind kind) {
    registers_[place].unknown |= mask;
    reasons_[place].push_back({mask, reason, kind});
}

void GuestView::set(const Field& field, std::uint32_t subleaf, std::uint64_t value, const std::string& reason) {
    set(merge::place_of(field, subleaf), field.mask(), value << field.low, reason);
}

void GuestView::forget(const Field& field, std::uint32_t subleaf, const std::string& reason) {
    forget(merge::place_of(field, subleaf), field.mask(), reason);
}

void GuestView::apply(const FixedBits& fixed, Kind kind) {
    const DataPlace& data = fixed.place;
    const auto put = [&](const RegisterPlace& place) {
        if (fixed.value) {
            set(place, data.mask(), *fixed.value << data.low, fixed.why, kind);
        } else {
            forget(place, data.mask(), fixed.why);
        }
    };
    const bool is_range = data.leaf_first != data.leaf_last || data.subleaf_first != data.subleaf_last;
    if (!is_range) {
        for (const Register reg : data.registers) put({data.is_msr, {data.leaf_first, data.subleaf_first}, reg});
        return;
    }
    for (const LeafKey& key : rows()) {
        if (!data.has_row(key)) continue;
        for (const Register reg : data.registers) put({false, key, reg});
    }
}

std::vector<LeafKey> GuestView::rows() const {
    std::vector<LeafKey> keys;
    for (const CpuidRow& row : policy_.cpuid) keys.push_back(row.key);
    return keys;
}

GuestView::Bits GuestView::bits_at(const RegisterPlace& place) const {
    const auto at = registers_.find(place);
    return at == registers_.end() ? Bits{} : at->second;
}

std::uint64_t GuestView::seen(const Field& field, std::uint32_t subleaf) const {
    const Bits bits = bits_at(merge::place_of(field, subleaf));
    return (bits.seen & ~bits.unknown & field.mask()) >> field.low;
}

std::uint64_t GuestView::seen_register(const RegisterPlace& place) const {
    const Bits bits = bits_at(place);
    return bits.seen & ~bits.unknown;
}

std::uint64_t GuestView::promised(const Field& field, std::uint32_t subleaf) const {
    return (bits_at(merge::place_of(field, subleaf)).promised & field.mask()) >> field.low;
}

void GuestView::settle() {
    drop_lost_states();
    cut_above_maxima();
}

void GuestView::drop_lost_states() {
    if (!plan_.xsave_leaf()) return;
    const Rulebook& rulebook = plan_.rulebook();
    std::uint64_t lost = 0;
    std::uint32_t size = rulebook.xsave_legacy_size;
    for (const XsaveComponent& component : rulebook.xsave) {
        if (component.state == XsaveState::legacy) continue;
        const LeafKey key{*plan_.xsave_leaf(), component.bit};
        const Bits row_size = bits_at({false, key, Register::eax});
        if (row_size.promised == 0) continue;
        const bool kept = std::any_of(component.features.begin(), component.features.end(), [&](FieldIndex index) {
            return plan_.applies(rulebook[index]) && seen(rulebook[index], rulebook[index].subleaf_first) != 0;
        });
        if (kept) {
            const std::uint64_t offset = bits_at({false, key, Register::ebx}).seen;
            const bool is_user = component.state == XsaveState::user;
            if (is_user) size = std::max(size, static_cast<std::uint32_t>(offset + row_size.seen));
            continue;
        }
        lost |= std::uint64_t{1} << component.bit;
        for (const Register reg : all_registers) {
            set({false, key, reg}, ~std::uint32_t{0}, 0, "The state goes with its features.");
        }
    }
    const std::string reason = "It follows from the features that the guest sees.";
    for (const FieldIndex index : plan_.fields()) {
        const Field& field = rulebook[index];
        const std::uint64_t before = promised(field, field.subleaf_first);
        std::uint64_t after = before;
        switch (field.derive.how) {
            case Derivation::xcr0_low:
            case Derivation::xss_low: after &= ~(lost & 0xFFFFFFFFU); break;
            case Derivation::xcr0_high:
            case Derivation::xss_high: after &= ~(lost >> 32); break;
            case Derivation::xsave_size: after = before == 0 ? 0 : size; break;
            default: break;
        }
        if (after != before) set(field, field.subleaf_first, after, reason);
    }
}

void GuestView::cut_above_maxima() {
    for (const FieldIndex index : plan_.fields()) {
        const Field& field = plan_.rulebook()[index];
        if (field.derive.how != Derivation::max_leaf) continue;
        const Bits bits = bits_at(merge::place_of(field, field.subleaf_first));
        if ((bits.unknown & field.mask()) != 0) continue;
        const std::uint64_t highest = (bits.seen & field.mask()) >> field.low;
        for (auto& [place, content] : registers_) {
            const bool above = !place.is_msr && range_of(place.key.leaf) == field.leaf && place.key.leaf > highest;
            if (!above) continue;
            content.seen = 0;
            content.unknown = 0;
            reasons_[place] = {{~std::uint64_t{0}, "The guest's leaves of this range end at " + to_hex(highest) + "."}};
        }
    }
}

GuestView::Reason GuestView::reason_for(const RegisterPlace& place, std::uint64_t mask) const {
    const auto at = reasons_.find(place);
    if (at == reasons_.end()) return {};
    const auto last = std::find_if(at->second.rbegin(), at->second.rend(),
                                   [&](const Reason& reason) { return (reason.mask & mask) != 0; });
    return last == at->second.rend() ? Reason{} : *last;
}

// True when the field says nothing without another one that the guest does not see.
bool GuestView::is_gated_off(const Field& field) const {
    if (field.gate == no_field) return false;
    const Field& gate = plan_.rulebook()[field.gate];
    return seen(gate, gate.subleaf_first) == 0;
}

// Runs of bits without a field in which something differs.
void GuestView::add_strays(const RegisterPlace& place, std::uint64_t mask, const Bits& bits,
                           std::vector<Inexpressible>& all) const {
    const std::uint64_t different = (bits.promised ^ bits.seen) | bits.unknown;
    std::uint64_t left = place.is_msr ? mask : mask & ~std::uint32_t{0};
    while ((left & different) != 0) {
        const auto low = static_cast<unsigned>(std::countr_zero(left));
        const auto high = low + static_cast<unsigned>(std::countr_one(left >> low)) - 1;
        const std::uint64_t run = mask_of(low, high);
        left &= ~run;
        if ((run & different) == 0) continue;
        Inexpressible entry;
        entry.field = bits_without_field;
        entry.place = {place.is_msr,
                       place.key.leaf,
                       place.key.subleaf,
                       place.key.subleaf,
                       place.reg,
                       static_cast<std::uint8_t>(low),
                       static_cast<std::uint8_t>(high)};
        const std::uint64_t promised = (bits.promised & run) >> low;
        std::optional<std::uint64_t> seen;
        if ((bits.unknown & run) == 0) seen = (bits.seen & run) >> low;
        entry.value = to_hex(promised);
        entry.instead = seen ? to_hex(*seen) : "unknown";
        const Reason reason = reason_for(place, run & different);
        entry.reason = reason.text;
        if (reason.kind == Kind::description) {
            describe_otherwise(entry);
        } else {
            describe(nullptr, false, promised, seen, entry);
        }
        all.push_back(std::move(entry));
    }
}

std::vector<Inexpressible> GuestView::differences() const {
    std::vector<Inexpressible> all;
    for (const auto& [place, bits] : registers_) {
        const std::uint64_t owned = owned_mask(policy_, place);
        if ((((bits.promised ^ bits.seen) | bits.unknown) & ~owned) == 0) continue;
        std::uint64_t covered = owned;
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = plan_.rulebook()[index];
            const bool is_here = field.is_msr == place.is_msr && field.leaf == place.key.leaf &&
                                 (field.is_msr || (field.reg == place.reg && field.is_in_subleaf(place.key.subleaf)));
            if (!is_here) continue;
            covered |= field.mask();
            if (!differs(field, field.mask() & ~owned, bits)) continue;
            Inexpressible entry;
            entry.field = field.id;
            entry.place = {field.is_msr, field.leaf, place.key.subleaf, place.key.subleaf,
                           field.reg,    field.low,  field.high};
            const bool known = (bits.unknown & field.mask()) == 0;
            const std::uint64_t value = promised(field, place.key.subleaf);
            entry.value = to_hex(value);
            entry.instead = known ? to_hex(seen(field, place.key.subleaf)) : "unknown";
            entry.reason = reason_for(place, field.mask()).text;
            std::optional<std::uint64_t> instead;
            if (known) instead = seen(field, place.key.subleaf);
            if (is_gated_off(field)) {
                describe_otherwise(entry);
            } else {
                describe(&field, plan_.is_inverted(index), value, instead, entry);
            }
            all.push_back(std::move(entry));
        }
        add_strays(place, ~covered, bits, all);
    }
    std::sort(all.begin(), all.end(), [](const Inexpressible& a, const Inexpressible& b) {
        return std::tie(a.place, a.field) < std::tie(b.place, b.field);
    });
    return all;
}

}  // namespace poolcpuid::render
