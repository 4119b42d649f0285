// CPUs that the model table does not have: what Linux decides by their family counts, and of others nothing is known.

#include <cstdint>
#include <string>

#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::unlisted_models_test {

namespace {

using Catch::Contains;

constexpr std::uint32_t naples = 0x00800F12;
constexpr std::uint32_t rome = 0x00830F10;
constexpr std::uint32_t genoa = 0x00A10F11;
constexpr std::uint32_t turin = 0x00B00F21;
constexpr std::uint32_t other_17h = 0x008C0F00;
constexpr std::uint32_t other_19h = 0x00AB0F00;
constexpr std::uint32_t other_1ah = 0x00B30F00;
constexpr std::uint32_t family_1bh = 0x00C00F00;
constexpr std::uint32_t haswell_ep = 0x000306F2;  // from which guests infer nothing
constexpr std::uint32_t skylake = 0x000506E3;     // likewise
constexpr std::uint32_t haswell = 0x000306C3;     // MMIO stale data
constexpr std::uint32_t other_intel = 0x00FF06F0;

HostDump amd(const char* name, std::uint32_t signature, std::uint32_t extended_ecx = 0) {
    return hardware_host(
        name, amd_table(signature).reg(0x80000000, 0, eax, 0x80000028).row(0x80000021, 0, {0, 0, extended_ecx, 0}));
}

HostDump intel(const char* name, std::uint32_t signature) { return hardware_host(name, intel_table(signature)); }

// What the finding says, or nothing.
std::string unsafe(const Merged& pool) {
    const Finding* found = pool.finding("no-safe-identity");
    return found == nullptr ? "" : found->message;
}

}  // namespace

// K6 common.c cpu_vuln_blacklist: VULNBL_AMD(0x19, SRSO | TSA), and so on.
TEST_CASE("an unlisted model has the bugs that Linux knows its family by", "[identity]") {
    const Merged with_rome({amd("new", other_19h), amd("old", rome)});
    CHECK(with_rome.reg(1, 0, eax) == rome);
    CHECK_THAT(unsafe(with_rome), Contains("transient scheduler attacks") && Contains("which is not so on new"));
    CHECK(unsafe(Merged({amd("new", other_19h), amd("genoa", genoa)})).empty());
    CHECK(unsafe(Merged({amd("new", other_1ah), amd("turin", turin)})).empty());
    CHECK_THAT(unsafe(Merged({amd("new", other_1ah), amd("genoa", genoa)})), !Contains("nobody knows"));
    CHECK(unsafe(Merged({amd("new", other_17h), amd("naples", naples)})).empty());
    // Whether it has DIV0 goes by the model.
    CHECK_THAT(unsafe(Merged({amd("new", other_17h), amd("rome", rome)})), Contains("division by zero"));
    // Bits that say so count as of any host.
    constexpr std::uint32_t tsa_no = 0x6;
    constexpr std::uint32_t tsa_fill_no = 0x80;
    CHECK_THAT(unsafe(Merged({amd("new", other_19h, tsa_no | tsa_fill_no), amd("old", rome)})),
               !Contains("transient scheduler attacks"));
}

TEST_CASE("no identity is safe for a host of which nothing is known", "[identity]") {
    const Merged pool({amd("new", family_1bh), amd("rome", rome)});
    CHECK(pool.reg(1, 0, eax) == rome);
    CHECK_THAT(unsafe(pool), Contains("which nobody knows of new"));
    CHECK(pool.named_by("no-safe-identity") == Names{"new"});
    const Merged three({amd("genoa", genoa), amd("new", family_1bh), amd("rome", rome)});
    CHECK_THAT(unsafe(three), Contains("which is not so on genoa, and nobody knows of new"));
    CHECK(three.named_by("no-safe-identity") == Names{"genoa", "new"});
    CHECK_THAT(unsafe(Merged({intel("new", other_intel), intel("haswell", haswell)})), Contains("nobody knows"));
    // From some CPUs guests infer nothing, and of one model there is nothing to be wrong about.
    CHECK(unsafe(Merged({intel("new", other_intel), intel("skylake", skylake)})).empty());
    CHECK(unsafe(Merged({intel("new", other_intel), intel("haswell-ep", haswell_ep)})).empty());
    CHECK(unsafe(Merged({amd("a", family_1bh), amd("b", family_1bh)})).empty());
    CHECK(unsafe(Merged({amd("a", other_19h), amd("b", other_19h)})).empty());
}

TEST_CASE("an unlisted model is reported, and what is known of it", "[identity]") {
    const Merged pool({amd("a", other_19h), amd("b", family_1bh)});
    std::string said;
    for (const Finding& finding : pool.policy.findings) {
        if (finding.code == "unknown-model") said += finding.message + "\n";
    }
    CHECK_THAT(said,
               Contains("no row for b: what its silicon does beyond CPUID is not taken into account") &&
                   Contains("no row for a: of its silicon, beyond CPUID, only what guests conclude from its family"));
}

// A row for models that are yet to come would settle what a dump leaves open.
TEST_CASE("a family as such settles nothing of its silicon", "[identity]") {
    const TableBuilder silent = amd_table(other_17h).reg(0x80000000, 0, eax, 0x80000021).unknown(0x80000021, 0);
    CHECK((Merged({hardware_host("new", silent)}).reg(0x80000021, 0, eax) & 2U) != 0);  // FS_GS_NS: not ruled out
}

}  // namespace poolcpuid::test::unlisted_models_test
