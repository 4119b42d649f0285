// What a field that a target cannot say costs a guest.

#include "poolcpuid/rulebook.hpp"
#include "render/words.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::render_words_test {

namespace {

// Of a bit that the policy shows and the guest does not see.
Impact lost(const std::string& id, const char* vendor = "GenuineIntel") {
    const promises::VendorRules rules(builtin_rulebook(), *builtin_rulebook().vendor_of(vendor));
    Inexpressible entry;
    entry.value = 1;
    entry.instead = 0;
    render::describe(rules, &field_named(id), false, entry);
    CHECK(entry.telling == Telling::less);
    return entry.impact;
}

}  // namespace

TEST_CASE("a lost mitigation is a matter of security, a lost feature of speed, whatever else breaks", "[render]") {
    CHECK(lost("ssbd") == Impact::security);
    CHECK(lost("smep") == Impact::security);
    CHECK(lost("avx2") == Impact::performance);
    CHECK(lost("popcnt") == Impact::performance);
    CHECK(lost("l1d_flush") == Impact::security);
    CHECK(lost("l1d_flush", "AuthenticAMD") == Impact::performance);  // whose CPUs L1TF does not affect
    const promises::VendorRules rules(builtin_rulebook(), 0);
    Inexpressible stray;
    stray.value = 1;
    stray.instead = 0;
    render::describe(rules, nullptr, false, stray);
    CHECK(stray.impact == Impact::performance);
}

}  // namespace poolcpuid::test::render_words_test
