// What of CPUID says that a CPU has an MSR.
#include <cstddef>

#include "poolcpuid/rulebook.hpp"
#include "promises/vendor_rules.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::enumerated_msrs_test {

TEST_CASE("an MSR whose fields have a gate is enumerated by a bit of CPUID", "[plan]") {
    const Rulebook& rulebook = builtin_rulebook();
    std::size_t gated = 0;
    for (std::size_t vendor = 0; vendor < rulebook.vendors.size(); ++vendor) {
        const promises::VendorRules rules(rulebook, vendor);
        for (const FieldIndex index : rules.fields()) {
            const Field& field = rulebook[index];
            if (!field.is_msr || field.gate == no_field) continue;
            CAPTURE(field.id);
            const FieldIndex sign = rules.enumerator(field.leaf);
            REQUIRE(sign != no_field);
            CHECK_FALSE(rulebook[sign].is_msr);
            ++gated;
        }
    }
    CHECK(gated > 50);
}

}  // namespace poolcpuid::test::enumerated_msrs_test
