// What a guest would see under a VMM, register by register, and how that differs from its policy.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/render.hpp"
#include "promises/vendor_rules.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

// Starts as the policy itself: a target says only what it cannot give.
class GuestView {
public:
    // Both must outlive the view.
    GuestView(const promises::VendorRules& rules, const PoolPolicy& policy);

    // Whether bits that no field covers may be taken for a feature, or only describe something: in general, caches,
    // or by the brand string; and bits of an XSAVE state that the guest does not see, which is part of the loss of
    // its features.
    enum class Kind : std::uint8_t { feature, description, caches, brand, lost_state };

    // The guest sees value in the bits of mask, for a reason that is one sentence.
    void set(const promises::RegisterPlace& place, std::uint64_t mask, std::uint64_t value, const std::string& reason,
             Kind kind = Kind::feature);

    // Nobody can tell here what the guest sees in the bits of mask.
    void forget(const promises::RegisterPlace& place, std::uint64_t mask, const std::string& reason,
                Kind kind = Kind::feature);

    // The same for a field in one subleaf; value is shifted down.
    void set(const Field& field, std::uint32_t subleaf, std::uint64_t value, const std::string& reason);
    void forget(const Field& field, std::uint32_t subleaf, const std::string& reason);

    // The same for all that the guest may see in the leaves of this one's range above another one.
    void forget_above(std::uint32_t leaf, std::uint64_t last, const std::string& reason);

    // Bits that the VMM sets by itself. A range of leaves or subleaves means the rows that the policy has, and those of
    // which something was said.
    void apply(const FixedBits& bits, Kind kind = Kind::feature);

    // The guest does not see an XSAVE state, whatever it sees of its features; or nobody can tell here.
    void drop_state(const XsaveComponent& component, const std::string& reason);
    void forget_state(const XsaveComponent& component, const std::string& reason);

    // What follows from the rest once every feature is settled: XSAVE states of which the guest sees no
    // feature go, and leaves above a maximum that was set are not seen.
    void settle();

    // What the guest sees in a field, or 0 where that is unknown; and what the policy has.
    std::uint64_t seen(const Field& field, std::uint32_t subleaf) const;
    std::uint64_t promised(const Field& field, std::uint32_t subleaf) const;

    // The size of an XSAVE state in the policy; 0: it has none.
    std::uint64_t promised_size(const XsaveComponent& component) const {
        return bits_at({false, key_of(component), Register::eax}).promised;
    }

    // Whose word it is.
    enum class Of : std::uint8_t { policy, guest };

    // What the policy has of a field by its id, or what the guest sees of it, in its first subleaf: 0 of one that CPUs
    // of the vendor have not.
    std::uint64_t value(const std::string& id, Of of) const;

    // Whether what is asked of a field is so, in the policy or as the guest sees it.
    bool holds(const Condition& condition, Of of) const { return condition.holds(value(condition.name, of) != 0); }
    bool holds(const FixedBits& bits, Of of) const { return bits.holds(value(bits.condition.name, of)); }

    std::uint64_t seen_register(const promises::RegisterPlace& place) const;

    // True when something in the leaf is known not to be 0.
    bool sees_leaf(std::uint32_t leaf) const;

    // True when something in the register is unknown.
    bool is_unknown(const promises::RegisterPlace& place) const { return bits_at(place).unknown != 0; }

    // The keys of the policy's CPUID rows, sorted.
    std::vector<LeafKey> rows() const;

    const promises::VendorRules& rules() const noexcept { return rules_; }
    const PoolPolicy& policy() const noexcept { return policy_; }

    // Every field, and every run of bits without one, that differs or is unknown outside of the policy's owned bits.
    std::vector<Inexpressible> differences() const;

private:
    struct Bits {
        std::uint64_t promised = 0;
        std::uint64_t seen = 0;
        std::uint64_t unknown = 0;
    };
    struct Reason {
        std::uint64_t mask = 0;
        std::string text;
        Kind kind = Kind::feature;
    };

    Bits bits_at(const promises::RegisterPlace& place) const;
    Reason reason_for(const promises::RegisterPlace& place, std::uint64_t mask) const;
    bool is_gated_off(const Field& field) const;
    bool only_describes(const promises::RegisterPlace& place) const;
    void add_strays(const promises::RegisterPlace& place, std::uint64_t mask, const Bits& bits,
                    std::vector<Inexpressible>& all) const;
    // The states of which the guest sees no feature or no row, and those of which nobody can tell.
    struct States {
        std::uint64_t lost = 0;
        std::uint64_t unknown = 0;
        std::uint32_t size = 0;  // of the area with what is left, in bytes
    };
    States drop_lost_states();
    void describe_states(const States& states);
    bool is_kept(const XsaveComponent& component) const;
    LeafKey key_of(const XsaveComponent& component) const { return {*rules_.xsave_leaf(), component.bit}; }
    void cut_above_maxima();

    const promises::VendorRules& rules_;
    const PoolPolicy& policy_;
    std::map<promises::RegisterPlace, Bits> registers_;
    std::map<promises::RegisterPlace, std::vector<Reason>> reasons_;
};

}  // namespace poolcpuid::render
