#include "render/guest_view.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/hex.hpp"
#include "promises/owned_bits.hpp"
#include "render/words.hpp"

namespace poolcpuid::render {

using promises::RegisterPlace;

namespace {

// An unknown value counts, unless nobody is ever shown the field.
template <typename Bits>
bool differs(const Field& field, std::uint64_t mask, const Bits& bits) {
    if (((bits.promised ^ bits.seen) & ~bits.unknown & mask) != 0) return true;
    return (bits.unknown & mask) != 0 && field.rule != Rule::hide;
}

const char* subject_of(GuestView::Kind kind) {
    switch (kind) {
        case GuestView::Kind::caches: return "cache description";
        case GuestView::Kind::brand: return "brand string";
        case GuestView::Kind::feature:
        case GuestView::Kind::description:
        case GuestView::Kind::lost_state: break;
    }
    return "";
}

}  // namespace

GuestView::GuestView(const promises::VendorRules& rules, const PoolPolicy& policy) : rules_(rules), policy_(policy) {
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
    set(promises::place_of(field, subleaf), field.mask(), value << field.low, reason);
}

void GuestView::forget(const Field& field, std::uint32_t subleaf, const std::string& reason) {
    forget(promises::place_of(field, subleaf), field.mask(), reason);
}

void GuestView::forget_above(std::uint32_t leaf, std::uint64_t last, const std::string& reason) {
    for (auto& [place, bits] : registers_) {
        if (place.is_msr || range_of(place.key.leaf) != range_of(leaf) || place.key.leaf <= last) continue;
        // Of what is unknown anyway there is a better reason.
        if ((bits.seen & ~bits.unknown) != 0) forget(place, bits.seen & ~bits.unknown, reason);
    }
}

void GuestView::apply(const FixedBits& fixed, Kind kind) {
    const DataPlace& data = fixed.place;
    const auto put = [&](const RegisterPlace& place) {
        if (fixed.value) {
            set(place, data.mask(), *fixed.value << data.low, fixed.why, kind);
        } else {
            forget(place, data.mask(), fixed.why, kind);
        }
    };
    const bool is_range = data.leaf_first != data.leaf_last || data.subleaf_first != data.subleaf_last;
    if (!is_range) {
        for (const Register reg : data.registers) put({data.is_msr, {data.leaf_first, data.subleaf_first}, reg});
        return;
    }
    std::set<LeafKey> keys;
    for (const auto& [place, bits] : registers_) {
        if (!place.is_msr && data.has_row(place.key)) keys.insert(place.key);
    }
    for (const LeafKey& key : keys) {
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
    const Bits bits = bits_at(promises::place_of(field, subleaf));
    return (bits.seen & ~bits.unknown & field.mask()) >> field.low;
}

std::uint64_t GuestView::seen_register(const RegisterPlace& place) const {
    const Bits bits = bits_at(place);
    return bits.seen & ~bits.unknown;
}

bool GuestView::sees_leaf(std::uint32_t leaf) const {
    return std::any_of(registers_.begin(), registers_.end(), [&](const auto& entry) {
        const auto& [place, bits] = entry;
        return !place.is_msr && place.key.leaf == leaf && (bits.seen & ~bits.unknown) != 0;
    });
}

std::uint64_t GuestView::promised(const Field& field, std::uint32_t subleaf) const {
    return (bits_at(promises::place_of(field, subleaf)).promised & field.mask()) >> field.low;
}

std::uint64_t GuestView::value(const std::string& id, Of of) const {
    const FieldIndex index = id.empty() ? no_field : rules_.rulebook().find(id);
    if (index == no_field || !rules_.applies(rules_.rulebook()[index])) return 0;
    const Field& field = rules_.rulebook()[index];
    return of == Of::policy ? promised(field, field.subleaf_first) : seen(field, field.subleaf_first);
}

void GuestView::drop_state(const XsaveComponent& component, const std::string& reason) {
    for (const Register reg : all_registers) {
        set({false, key_of(component), reg}, ~std::uint32_t{0}, 0, reason, Kind::lost_state);
    }
}

void GuestView::forget_state(const XsaveComponent& component, const std::string& reason) {
    for (const Register reg : all_registers) {
        if (bits_at({false, key_of(component), reg}).promised == 0) continue;
        forget({false, key_of(component), reg}, ~std::uint32_t{0}, reason);
    }
}

void GuestView::settle() {
    if (rules_.xsave_leaf()) describe_states(drop_lost_states());
    cut_above_maxima();
}

bool GuestView::is_kept(const XsaveComponent& component) const {
    return std::any_of(component.features.begin(), component.features.end(), [&](FieldIndex index) {
        const Field& field = rules_.rulebook()[index];
        return rules_.applies(field) && seen(field, field.subleaf_first) != 0;
    });
}

GuestView::States GuestView::drop_lost_states() {
    States states;
    states.size = rules_.rulebook().xsave_legacy_size;
    for (const XsaveComponent& component : rules_.rulebook().xsave) {
        if (component.state == XsaveState::legacy) continue;
        const RegisterPlace place{false, key_of(component), Register::eax};
        if (promised_size(component) == 0) continue;
        const std::uint64_t bit = std::uint64_t{1} << component.bit;
        if (!is_kept(component)) {
            drop_state(component, "The state goes with its features.");
            states.lost |= bit;
        } else if (is_unknown(place)) {
            states.unknown |= bit;
        } else if (bits_at(place).seen == 0) {
            states.lost |= bit;
        } else if (component.state == XsaveState::user) {
            const std::uint64_t offset = bits_at({false, place.key, Register::ebx}).seen;
            states.size = std::max(states.size, static_cast<std::uint32_t>(offset + bits_at(place).seen));
        }
    }
    return states;
}

// The registers that count the states up.
void GuestView::describe_states(const States& states) {
    const std::string reason = "It follows from the features that the guest sees.";
    const Kind kind = states.lost != 0 ? Kind::lost_state : Kind::feature;
    const auto without = [&](const Field& field, unsigned shift) {
        const auto lost = static_cast<std::uint32_t>(states.lost >> shift);
        const auto unknown = static_cast<std::uint32_t>(states.unknown >> shift);
        const RegisterPlace place = promises::place_of(field, field.subleaf_first);
        const std::uint64_t before = bits_at(place).promised;
        if ((before & lost) != 0) set(place, lost, 0, reason, kind);
        if ((before & unknown) != 0) forget(place, unknown, reason);
    };
    for (const FieldIndex index : rules_.fields()) {
        const Field& field = rules_.rulebook()[index];
        const RegisterPlace place = promises::place_of(field, field.subleaf_first);
        switch (field.derive.how) {
            case Derivation::xcr0_low:
            case Derivation::xss_low: without(field, 0); break;
            case Derivation::xcr0_high:
            case Derivation::xss_high: without(field, 32); break;
            case Derivation::xsave_size:
                if (bits_at(place).promised == 0) break;
                if (states.unknown != 0) {
                    forget(place, field.mask(), reason);
                } else if (bits_at(place).promised != states.size) {
                    set(place, field.mask(), states.size, reason, kind);
                }
                break;
            default: break;
        }
    }
}

void GuestView::cut_above_maxima() {
    for (const FieldIndex index : rules_.fields()) {
        const Field& field = rules_.rulebook()[index];
        if (field.derive.how != Derivation::max_leaf) continue;
        const Bits bits = bits_at(promises::place_of(field, field.subleaf_first));
        if ((bits.unknown & field.mask()) != 0) continue;
        const std::uint64_t highest = (bits.seen & field.mask()) >> field.low;
        for (auto& [place, content] : registers_) {
            const bool above = !place.is_msr && range_of(place.key.leaf) == field.leaf && place.key.leaf > highest;
            // Of a range that is not there at all there may be a better reason.
            const bool is_gone = highest < field.leaf && (content.seen | content.unknown) == 0;
            if (!above || is_gone) continue;
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
    const Field& gate = rules_.rulebook()[field.gate];
    const Bits bits = bits_at(promises::place_of(gate, gate.subleaf_first));
    return ((bits.seen | bits.unknown) & gate.mask()) == 0;
}

// True for a leaf or an MSR that describes the CPU, and in which no vendor has a field that promises of other CPUs: of
// its reserved bits none is taken for a feature.
bool GuestView::only_describes(const RegisterPlace& place) const {
    bool describes = false;
    for (const Field& field : rules_.rulebook().fields) {
        if (field.is_msr != place.is_msr || field.leaf != place.key.leaf || field.rule == Rule::owned) continue;
        if (field.rule != Rule::identity && !field.of_identity) return false;
        describes = true;
    }
    return describes;
}

// Runs of bits without a field in which something differs.
void GuestView::add_strays(const RegisterPlace& place, std::uint64_t mask, const Bits& bits,
                           std::vector<Inexpressible>& all) const {
    const std::uint64_t different = (bits.promised ^ bits.seen) | bits.unknown;
    for (const BitPlace& run : place.runs_of(mask)) {
        if ((run.mask() & different) == 0) continue;
        Inexpressible entry;
        entry.field = bits_without_field;
        entry.place = run;
        entry.value = run.part_of(bits.promised);
        if ((bits.unknown & run.mask()) == 0) entry.instead = run.part_of(bits.seen);
        const Reason reason = reason_for(place, run.mask() & different);
        entry.reason = reason.text;
        entry.about = subject_of(reason.kind);
        const bool is_description = reason.kind == Kind::feature && only_describes(place);
        switch (is_description ? Kind::description : reason.kind) {
            case Kind::description:
            case Kind::caches:
            case Kind::brand: describe_otherwise(entry); break;
            case Kind::lost_state: describe_lost_state(entry); break;
            case Kind::feature: describe(rules_, nullptr, false, entry); break;
        }
        all.push_back(std::move(entry));
    }
}

std::vector<Inexpressible> GuestView::differences() const {
    const promises::OwnedBits left_to_vmm(policy_.owned);
    std::vector<Inexpressible> all;
    for (const auto& [place, bits] : registers_) {
        const std::uint64_t owned = left_to_vmm.of(place);
        if ((((bits.promised ^ bits.seen) | bits.unknown) & ~owned) == 0) continue;
        std::uint64_t covered = owned;
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rules_.rulebook()[index];
            const bool is_here = field.is_msr == place.is_msr && field.leaf == place.key.leaf &&
                                 (field.is_msr || (field.reg == place.reg && field.is_in_subleaf(place.key.subleaf)));
            if (!is_here) continue;
            covered |= field.mask();
            if (!differs(field, field.mask() & ~owned, bits)) continue;
            Inexpressible entry;
            entry.field = field.id;
            entry.place = field.place(place.key.subleaf);
            entry.value = promised(field, place.key.subleaf);
            if ((bits.unknown & field.mask()) == 0) entry.instead = seen(field, place.key.subleaf);
            const Reason reason = reason_for(place, field.mask());
            entry.reason = reason.text;
            entry.about = subject_of(reason.kind);
            // A revision for one that is not known is a VMM's own, and older than any that software asks for.
            const bool is_made_up = field.of_identity && entry.value == 0 && entry.instead;
            if (entry.instead && reason.kind == Kind::lost_state) {
                describe_lost_state(entry);
            } else if (is_made_up || is_gated_off(field)) {
                describe_otherwise(entry);
            } else {
                describe(rules_, &field, rules_.is_inverted(index), entry);
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
