#include "poolcpuid/policy_registers.hpp"

#include <algorithm>

namespace poolcpuid {

const Registers* PolicyRegisters::row(const LeafKey& key) const noexcept {
    const auto& rows = policy_->cpuid;
    const auto at = std::lower_bound(rows.begin(), rows.end(), key,
                                     [](const CpuidRow& row, const LeafKey& wanted) { return row.key < wanted; });
    return at != rows.end() && at->key == key ? &at->value : nullptr;
}

std::optional<std::uint64_t> PolicyRegisters::msr(std::uint32_t index) const noexcept {
    const MsrRow* found = find_msr(policy_->msrs, index);
    return found == nullptr ? std::nullopt : std::optional(found->value.value_or(0));
}

std::uint64_t PolicyRegisters::value(const BitPlace& place) const noexcept {
    std::uint64_t bits = 0;
    if (place.is_msr) {
        bits = msr(place.leaf).value_or(0);
    } else if (const Registers* found = row({place.leaf, place.subleaf_first})) {
        bits = (*found)[place.reg];
    }
    return (bits & place.mask()) >> place.low;
}

bool PolicyRegisters::is_owned(const BitPlace& place) const noexcept {
    return std::any_of(policy_->owned.begin(), policy_->owned.end(), [&](const BitPlace& owned) {
        return owned.is_msr == place.is_msr && owned.leaf == place.leaf && owned.reg == place.reg &&
               owned.subleaf_first <= place.subleaf_first && place.subleaf_last <= owned.subleaf_last &&
               owned.low <= place.low && place.high <= owned.high;
    });
}

}  // namespace poolcpuid
