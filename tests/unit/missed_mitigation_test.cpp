// Mitigations that a policy lacks where what guests do by software alone is not enough: Linux's clear_bhb_loop clears
// the branch history of CPUs before Alder Lake and Sapphire Rapids, and newer ones have BHI_CTRL for that.

#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::missed_mitigation_test {

using Catch::Contains;

namespace {

constexpr const char* code = "mitigation-not-enough";

constexpr std::uint32_t haswell = 0x000306F2;
constexpr std::uint32_t ice_lake = 0x000606A6;
constexpr std::uint32_t sapphire_rapids = 0x000806F8;
constexpr std::uint32_t granite_rapids = 0x000A06D1;
constexpr std::uint32_t of_no_row = 0x000F06F0;

// Leaf 7 EDX of the dumps of 606A6, 806F8 and A06D1 has IBRS, STIBP, L1D_FLUSH, ARCH_CAPABILITIES and SSBD; leaf 7.2
// EDX is 0 on the first, 17h on the second and 3Fh on the third.
constexpr std::uint32_t leaf7_edx = 0xBC000000;
constexpr std::uint64_t ice_lake_caps = 0x0C02A0EB;
constexpr std::uint64_t sapphire_rapids_caps = 0x00A8FDEB;
constexpr std::uint64_t bhi_no = std::uint64_t{1} << 20;

TableBuilder table(std::uint32_t signature, std::uint32_t controls) {
    return intel_table(signature).row(7, 0, {2, 0, 0, leaf7_edx}).row(7, 2, {0, 0, 0, controls});
}

HostDump host(const std::string& name, std::uint32_t signature, std::uint32_t controls,
              std::uint64_t caps = sapphire_rapids_caps) {
    return hardware_host(name, std::vector{table(signature, controls)}, msr_list(MsrList::value, caps));
}

const HostDump icx = host("icx", ice_lake, 0, ice_lake_caps);
const HostDump spr = host("spr", sapphire_rapids, 0x17);
const HostDump gnr = host("gnr", granite_rapids, 0x3F);
const HostDump old_spr = host("old", sapphire_rapids, 0);  // an older microcode, or a kernel that does not know the bit

std::string says(const Merged& pool) {
    const Finding* found = pool.finding(code, "bhi_ctrl");
    return found == nullptr ? "" : found->message;
}

}  // namespace

TEST_CASE("a pool that loses BHI_CTRL names the hosts on which a guest's loop is too short", "[merge][missed]") {
    const Merged pool({icx, spr, gnr});
    REQUIRE(value_of(pool, "bhi_ctrl") == 0);
    CHECK(pool.named_by(code, "bhi_ctrl") == Names{"gnr", "spr"});
    CHECK(pool.finding(code)->severity == Severity::warning);
    CHECK_THAT(says(pool), Contains("is not enough against branch history injection on gnr and spr. "));
    CHECK_THAT(says(pool), Contains("Split the pool: icx has it not."));
    // The policy promises nothing of it.
    CHECK(PolicyCheck(builtin_rulebook(), pool.policy).against(spr).violations.empty());
}

TEST_CASE("pools that keep BHI_CTRL, or on which the loop suffices, miss nothing", "[merge][missed]") {
    CHECK(says(Merged({icx})).empty());
    CHECK(says(Merged({icx, host("haswell", haswell, 0, 0)})).empty());
    const Merged kept({spr, gnr});
    REQUIRE(value_of(kept, "bhi_ctrl") == 1);
    CHECK(says(kept).empty());
    CHECK(says(Merged({hardware_host("rome", amd_table())})).empty());
}

TEST_CASE("a host whose microcode or kernel hides BHI_CTRL has the longer history all the same", "[merge][missed]") {
    const Merged pool({old_spr, spr});
    CHECK(pool.named_by(code) == Names{"old", "spr"});
    CHECK_THAT(says(pool), Contains("Update the microcode and the kernel of old, or take a dump"));
    CHECK(Merged({old_spr}).named_by(code) == Names{"old"});
    // An update of one does not help where another cannot have it.
    CHECK_THAT(says(Merged({old_spr, icx})), Contains("Split the pool: icx has it not."));
    // The dump does not say.
    const HostDump silent = hardware_host("silent", std::vector{table(sapphire_rapids, 0).unknown(7, 2)},
                                          msr_list(MsrList::value, sapphire_rapids_caps));
    CHECK_THAT(says(Merged({silent, spr})), Contains("of silent, or take a dump that shows it"));
}

TEST_CASE("a model that the table does not know is asked for BHI_CTRL", "[merge][missed]") {
    CHECK(Merged({icx, host("new", of_no_row, 0x10)}).named_by(code) == Names{"new"});
    CHECK(says(Merged({icx, host("new", of_no_row, 0)})).empty());
    // What its hypervisor withholds it has.
    const auto caps = msr_list(MsrList::value, sapphire_rapids_caps);
    const HostDump withheld = with_hypervisor(host("new", of_no_row, 0x10), table(of_no_row, 0), caps);
    CHECK(Merged({withheld}).named_by(code) == Names{"new"});
}

TEST_CASE("a host with BHI_NO needs no BHI_CTRL", "[merge][missed]") {
    const HostDump immune = host("immune", granite_rapids, 0x3F, sapphire_rapids_caps | bhi_no);
    CHECK(says(Merged({icx, immune})).empty());
    CHECK(Merged({icx, immune, spr}).named_by(code) == Names{"spr"});
    // Its hypervisor hides that, and the silicon stays what it is.
    const HostDump hidden =
        with_hypervisor(immune, table(granite_rapids, 0x3F), msr_list(MsrList::value, sapphire_rapids_caps));
    CHECK(says(Merged({icx, hidden})).empty());
}

TEST_CASE("an option that takes BHI_CTRL from a pool is to be left out", "[merge][missed]") {
    MergeOptions hide;
    hide.hide = {"bhi_ctrl"};
    CHECK_THAT(says(Merged({spr}, hide)), Contains("leave out the option"));
    MergeOptions policy;
    policy.ceiling_policy = Merged({icx}).policy;
    CHECK_THAT(says(Merged({spr}, policy)), Contains("leave out the option"));
    // A CPU model as a ceiling takes no mitigation.
    MergeOptions model;
    model.ceiling_level = "qemu:Icelake-Server-v7";
    CHECK(says(Merged({spr}, model)).empty());
    CHECK(says(Merged({icx}, hide)).empty());
}

// Wildcat, Bartlett and Panther Lake, Nova Lake (family 12h), Diamond Rapids (13h); the last before is Ice Lake-D.
TEST_CASE("the longer history begins with Alder Lake and Sapphire Rapids", "[merge][missed]") {
    for (const std::uint32_t signature :
         {0x00090672U, 0x000B06E0U, 0x000C06F2U, 0x000D0650U, 0x000D0670U, 0x000E0650U, 0x00300F10U, 0x00400F10U}) {
        CAPTURE(signature);
        CHECK(Merged({icx, host("new", signature, 0)}).named_by(code) == Names{"new"});
    }
    for (const std::uint32_t signature : {0x000606C1U, 0x000806C1U, 0x000A0671U, 0x00050657U}) {
        CAPTURE(signature);
        CHECK(says(Merged({icx, host("other", signature, 0)})).empty());
    }
}

}  // namespace poolcpuid::test::missed_mitigation_test
