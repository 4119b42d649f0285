// What a split scores a pool by, against pools that keep the same for another reason.

#include "compare/split_score.hpp"
#include "poolcpuid/rulebook.hpp"
#include "promises/host_promises.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::split_score_test {

namespace {

constexpr auto ebx = Register::ebx;
constexpr auto ecx = Register::ecx;
constexpr std::uint32_t xsave = 1U << 26;  // leaf 1, ECX
constexpr std::uint32_t avx = 1U << 28;    // likewise
constexpr std::uint32_t skylake = 0x00050654;

class Scorer {
public:
    explicit Scorer(const char* vendor = "GenuineIntel") : vendor_(*builtin_rulebook().vendor_of(vendor)) {}

    compare::Meet of(const TableBuilder& table) const {
        return scorer_.of(promises::promises_of(rules_, hardware_host("host", table)), 1);
    }
    std::uint64_t kept(const compare::Meet& pool) const { return scorer_.kept(pool); }
    std::uint64_t kept(compare::Meet pool, const compare::Meet& other) const {
        scorer_.meet(pool, other);
        return scorer_.kept(pool);
    }

    std::size_t errors(compare::Meet pool, const compare::Meet& other) const {
        scorer_.meet(pool, other);
        return scorer_.errors(pool);
    }

private:
    const std::size_t vendor_;
    const promises::VendorRules rules_{builtin_rulebook(), vendor_};
    const compare::VendorScorer scorer_{rules_, vendor_};
};

}  // namespace

TEST_CASE("a state that two hosts lay out differently costs a pool its features, and nothing else", "[split]") {
    const Scorer scorer;
    const TableBuilder plain = intel_table(skylake).reg(1, 0, ecx, xsave).row(0xD, 0, {3, 0x240, 0x240, 0});
    const TableBuilder with = TableBuilder(plain)
                                  .reg(1, 0, ecx, xsave | avx)
                                  .row(0xD, 0, {7, 0x340, 0x340, 0})
                                  .row(0xD, 2, {0x100, 0x240, 0, 0});
    const TableBuilder otherwise = TableBuilder(with).row(0xD, 2, {0x100, 0x280, 0, 0});
    const std::uint64_t without_avx = scorer.kept(scorer.of(plain));
    CHECK(without_avx > 0);
    CHECK(scorer.kept(scorer.of(with)) > without_avx);
    CHECK(scorer.kept(scorer.of(with), scorer.of(with)) == scorer.kept(scorer.of(with)));
    CHECK(scorer.kept(scorer.of(with), scorer.of(otherwise)) == without_avx);
    CHECK(scorer.kept(scorer.of(with), scorer.of(plain)) == without_avx);
    // Bits in other registers are nothing that the state takes along.
    const auto also = [](TableBuilder table) { return table.reg(7, 0, ebx, 1U << 3); };  // BMI1
    CHECK(scorer.kept(scorer.of(also(with)), scorer.of(also(otherwise))) == scorer.kept(scorer.of(also(plain))));
}

TEST_CASE("a pool of a CPU that the model table does not have scores the errors that its policy has", "[split]") {
    constexpr std::uint32_t rome = 0x00830F10;
    constexpr std::uint32_t genoa = 0x00A10F11;
    constexpr std::uint32_t other_19h = 0x00AB0F00;
    constexpr std::uint32_t family_1bh = 0x00C00F00;
    const Scorer scorer("AuthenticAMD");
    for (const std::uint32_t one : {rome, genoa, other_19h, family_1bh}) {
        for (const std::uint32_t other : {rome, genoa, other_19h, family_1bh}) {
            CAPTURE(one, other);
            const Merged pool({hardware_host("a", amd_table(one)), hardware_host("b", amd_table(other))});
            const std::size_t found = pool.finding("no-safe-identity") == nullptr ? 0 : 1;
            CHECK(scorer.errors(scorer.of(amd_table(one)), scorer.of(amd_table(other))) == found);
        }
    }
}

}  // namespace poolcpuid::test::split_score_test
