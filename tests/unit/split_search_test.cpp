// The search for pools of too many groups to try all partitions, against the best one, on groups that are few enough.

#include "compare/split_search.hpp"

#include <algorithm>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "promises/host_promises.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"

namespace poolcpuid::test::split_search_test {

namespace {

constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t vectors = 1U << 9 | 1U << 19 | 1U << 20;  // leaf 1 ECX: SSSE3, SSE4.1, SSE4.2
constexpr std::uint32_t others = 1U << 13 | 1U << 22 | 1U << 23;  // CMPXCHG16B, MOVBE, POPCNT

// Whether a pool has a family and model that is safe for all of its hosts.
enum class Identity { safe, none };

class Groups {
public:
    Groups() { scorers_.emplace_back(rules_, 0); }

    // Of one host with these bits of leaf 1 ECX. Hosts that are kept together may have no safe identity by themselves,
    // and then no pool with them has one.
    compare::Meet group(std::uint32_t bits, Identity identity) const {
        const TableBuilder table = intel_table(skylake).reg(1, 0, Register::ecx, bits);
        compare::Meet meet = scorers_.front().of(promises::promises_of(rules_, hardware_host("host", table)), 1);
        meet.inferred.reset();
        if (identity == Identity::safe) meet.inferred.set(0);
        meet.lender.inferred = 1;
        return meet;
    }

    const std::vector<compare::VendorScorer>& scorers() const { return scorers_; }

private:
    const promises::VendorRules rules_{builtin_rulebook(), *builtin_rulebook().vendor_of("GenuineIntel")};
    std::vector<compare::VendorScorer> scorers_;
};

}  // namespace

TEST_CASE("groups with an error of their own share a pool, and leave the others without", "[split]") {
    const Groups groups;
    std::vector<compare::Meet> meets{groups.group(vectors, Identity::none), groups.group(vectors, Identity::none),
                                     groups.group(others, Identity::none),  groups.group(others, Identity::none),
                                     groups.group(vectors, Identity::safe), groups.group(others, Identity::safe)};
    for (const bool reversed : {false, true}) {
        CAPTURE(reversed);
        if (reversed) std::reverse(meets.begin(), meets.end());
        const compare::SplitGroups all(groups.scorers(), meets);
        const compare::Score best = score_of(all, compare::best_partition(all, 2));
        CHECK(best.errors == 1);
        CHECK(score_of(all, compare::good_partition(all, 2)) == best);
    }
}

}  // namespace poolcpuid::test::split_search_test
