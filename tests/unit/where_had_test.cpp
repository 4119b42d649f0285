// What does nothing on a host that has more, unless guests are shown that, too: VIRT_SSBD beside AMD_SSBD under KVM.

#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/check.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::where_had_test {

namespace {

using Catch::Contains;

constexpr std::uint32_t naples = 0x00800F12;
constexpr std::uint32_t rome = 0x00830F10;

// On which KVM offers what it shows, VIRT_SSBD among it.
HostDump host(const std::string& name, std::uint32_t signature, const std::vector<std::string>& silicon,
              const std::vector<std::string>& offered) {
    return with_hypervisor(hardware_host(name, with(amd_table(signature), silicon)),
                           with(amd_table(signature), offered));
}

HostDump zen1() { return host("zen1", naples, {}, {"virt_ssbd"}); }
HostDump zen2(const std::string& name = "zen2") { return host(name, rome, {"amd_ssbd"}, {"amd_ssbd", "virt_ssbd"}); }

const Violation* violation_of(const Verdict& verdict, const std::string& field) {
    for (const Violation& violation : verdict.violations) {
        if (violation.field == field) return &violation;
    }
    return nullptr;
}

Verdict against(const PoolPolicy& policy, const HostDump& on) {
    return PolicyCheck(builtin_rulebook(), policy).against(on);
}

}  // namespace

TEST_CASE("what does nothing beside a field is in no policy that lacks the field and has a host with it",
          "[dependents]") {
    const Merged mixed({zen1(), zen2()});
    CHECK(value_of(mixed, "amd_ssbd") == 0);
    CHECK(value_of(mixed, "virt_ssbd") == 0);
    const Decision* decision = mixed.decision("virt_ssbd");
    REQUIRE(decision != nullptr);
    CHECK(decision->cause == Cause::dependency);
    CHECK(decision->on == Names{"amd_ssbd"});
    CHECK(decision->because.names == Names{"zen1"});
    CHECK_THAT(decision->reason, Contains("Goes with amd_ssbd") && Contains("switches nothing"));
    // A pool of either kind keeps what it has.
    CHECK(value_of(Merged({zen1()}), "virt_ssbd") == 1);
    const Merged alike({zen2("a"), zen2("b")});
    CHECK(value_of(alike, "amd_ssbd") == 1);
    CHECK(value_of(alike, "virt_ssbd") == 1);
    MergeOptions hiding;
    hiding.hide = {"amd_ssbd"};
    CHECK(value_of(Merged({zen2()}, hiding), "virt_ssbd") == 0);
    // Shown to guests or not, the host has it; of one that is silent nobody knows.
    CHECK(value_of(Merged({host("withheld", rome, {"amd_ssbd"}, {"virt_ssbd"})}), "virt_ssbd") == 0);
    // A ceiling is no host, and takes the field from those that are.
    MergeOptions under;
    under.ceiling_policy = Merged({zen1()}).policy;
    CHECK(value_of(Merged({zen2()}, under), "virt_ssbd") == 0);
    under.ceiling_policy = alike.policy;
    CHECK(value_of(Merged({zen1()}, under), "virt_ssbd") == 1);
}

TEST_CASE("a promise that does nothing on a host is broken there", "[check]") {
    const PoolPolicy old = Merged({zen1()}).policy;
    const Verdict verdict = against(old, zen2());
    CHECK(verdict.outcome(UnknownIs::failure) == Outcome::must_not_run);
    const Violation* broken = violation_of(verdict, "virt_ssbd");
    REQUIRE(broken != nullptr);
    CHECK(broken->known);
    CHECK(broken->impact == Impact::security);
    CHECK_THAT(broken->message, Contains("without amd_ssbd (SSBD)") && Contains("does nothing"));
    CHECK_THAT(broken->remedy, !Contains("may bring it"));
    CHECK(violation_of(against(old, zen1()), "virt_ssbd") == nullptr);
    // A guest that is shown both uses the other.
    CHECK(violation_of(against(Merged({zen2()}).policy, zen2("other")), "virt_ssbd") == nullptr);
    // On another Zen 1 what is lost is that other one.
    const Verdict back = against(Merged({zen2()}).policy, zen1());
    CHECK(violation_of(back, "amd_ssbd") != nullptr);
    CHECK(violation_of(back, "virt_ssbd") == nullptr);
}

TEST_CASE("where it is not known whether a host has the field, the promise is not known to hold", "[check]") {
    const HostDump silent = with_hypervisor(hardware_host("silent", amd_table(naples).unknown(0x80000008, 0)),
                                            with(amd_table(naples), {"virt_ssbd"}));
    const Violation* found = nullptr;
    const Verdict known = against(Merged({zen1()}).policy, silent);
    found = violation_of(known, "virt_ssbd");
    CHECK(found == nullptr);  // the view for guests says that it has it not
    const HostDump bare = hardware_host("bare", amd_table(naples).unknown(0x80000008, 0));
    const Verdict verdict = against(Merged({zen1()}).policy, bare);
    found = violation_of(verdict, "virt_ssbd");
    REQUIRE(found != nullptr);
    CHECK_FALSE(found->known);
}

}  // namespace poolcpuid::test::where_had_test
