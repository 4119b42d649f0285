// The bits that a policy leaves to the VMM or the guest, register by register.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

class OwnedBits {
public:
    // O(n log n) in the number of places: a policy may list some 100,000, of as many rows.
    explicit OwnedBits(const std::vector<BitPlace>& owned);

    // Those of one register. Logarithmic.
    std::uint64_t of(const RegisterPlace& place) const;

private:
    // Of one register in all its subleaves: the bits that are owned from a subleaf on, up to the next.
    using Steps = std::map<std::uint64_t, std::uint64_t>;

    std::map<RegisterPlace, Steps> registers_;  // by subleaf 0
};

}  // namespace poolcpuid::promises
