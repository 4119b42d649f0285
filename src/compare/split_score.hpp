// What a pool of hosts keeps and which errors it has, from promises alone: cheap enough to ask of many thousand pools.
#pragma once

#include <bitset>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/pool_split.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::compare {

// The meet of some hosts, as far as the score asks. Meets commute and are idempotent.
struct Meet {
    static constexpr std::size_t of_no_pool = std::numeric_limits<std::size_t>::max();

    std::size_t vendor = of_no_pool;  // which scorer it is of; of_no_pool: hosts of two vendors, or none
    std::size_t hosts = 0;
    std::vector<std::uint64_t> words;             // promises, as promises::Atoms has them
    std::vector<promises::Component> components;  // parallel to Rulebook::xsave
    std::uint64_t lost_scrubs = 0;                // guards for which VERW is not known to scrub on a host
    std::bitset<256> inferred;                    // immunities that guests infer from the family and model of each host
    rulebook::LenderRank lender;                  // of the host that lends its family and model
    std::bitset<256> unaware;                     // what guests that are shown these do not look for
    std::bitset<256> open;                        // what a host is open to and some guests do not look for
};

// What decides between partitions: fewer errors, then more that is kept, then fewer pools.
struct Score {
    std::size_t errors = 0;
    std::uint64_t kept = 0;  // summed over hosts
    std::size_t pools = 0;

    Score& operator+=(const Score& other) noexcept;
    // True when this is the better one.
    bool beats(const Score& other) const noexcept;

    friend bool operator==(const Score&, const Score&) = default;
};

// Scores pools of one vendor. The rules must outlive it.
class VendorScorer {
public:
    VendorScorer(const promises::VendorRules& rules, std::size_t vendor);

    // The meet of count hosts that are alike.
    Meet of(const promises::HostPromises& host, std::size_t count) const;

    void meet(Meet& pool, const Meet& other) const noexcept;

    // The weight of what one host of the pool keeps.
    std::uint64_t kept(const Meet& pool) const noexcept;

    // The error findings that the pool's policy has.
    std::size_t errors(const Meet& pool) const noexcept;

private:
    struct Weighed {
        std::size_t word;
        std::uint64_t mask;
        std::uint64_t weight;
    };
    struct StateBits {
        std::size_t component;  // in Rulebook::xsave
        std::size_t word;
        std::uint64_t mask;
    };

    // The immunities that guests infer which are shown this silicon.
    std::bitset<256> inferred_on(const promises::Silicon& silicon) const;

    const promises::VendorRules& rules_;
    std::size_t vendor_;
    std::vector<Weighed> weighed_;
    std::vector<StateBits> states_;
    std::map<std::string_view, std::size_t> immunities_;  // that guests infer from some model
    std::map<std::string_view, std::size_t> not_sought_;  // what guests that are shown some model do not look for
};

}  // namespace poolcpuid::compare
