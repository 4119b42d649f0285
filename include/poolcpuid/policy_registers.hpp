// What a guest with a policy reads: values of fields and registers.
//
//   const PolicyRegisters guest(policy);
//   if (guest.value(rulebook[rulebook.find("avx2")]) != 0) ... the guest sees AVX2 ...
#pragma once

#include <cstdint>
#include <optional>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

class PolicyRegisters {
public:
    // policy must outlive this; its rows and MSRs are sorted, as merge and read_policy give them.
    explicit PolicyRegisters(const PoolPolicy& policy) noexcept : policy_(&policy) {}

    // The row of a leaf and subleaf, or nullptr: it reads as zeros. Logarithmic.
    const Registers* row(const LeafKey& key) const noexcept;

    // The family, model and stepping that the guest is shown; zeros where the policy has no leaf 1.
    Signature signature() const noexcept {
        const Registers* features = row(signature_key);
        return signature_of(features == nullptr ? 0 : features->eax);
    }

    // The value of an MSR; nothing for one that the guest is not offered. Logarithmic.
    std::optional<std::uint64_t> msr(std::uint32_t index) const noexcept;

    // The bits at a place, in its first subleaf, shifted down; what is not there reads as 0.
    std::uint64_t value(const BitPlace& place) const noexcept;

    // The same of a field, in one subleaf or in its first one.
    std::uint64_t value(const Field& field, std::uint32_t subleaf) const noexcept {
        return value(field.place(subleaf));
    }
    std::uint64_t value(const Field& field) const noexcept { return value(field.place()); }

    // Whether all bits of a place, in all its subleaves, are left to the VMM or the guest. Linear in what is.
    bool is_owned(const BitPlace& place) const noexcept;

private:
    const PoolPolicy* policy_;
};

}  // namespace poolcpuid
