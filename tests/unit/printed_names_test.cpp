// What a report calls a field can be asked about: every name that check prints, explain and rules show take.

#include <algorithm>
#include <string>

#include "compare/breach.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/explain.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::printed_names_test {

namespace {

// Calls body with every name of a field that check can print, and the field's number.
template <typename Body>
void for_each_name(const Body& body) {
    const Rulebook& rulebook = builtin_rulebook();
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            const BitPlace place{field.is_msr, field.leaf, subleaf, subleaf, field.reg, field.low, field.high};
            body(document::field_text(rulebook, std::string(field.id), place), static_cast<FieldIndex>(i));
        }
    }
}

}  // namespace

TEST_CASE("every name of a field that is printed finds the field", "[rulebook]") {
    std::size_t with_subleaf = 0;
    for_each_name([&](const std::string& name, FieldIndex index) {
        CAPTURE(name);
        const auto found = builtin_rulebook().find_printed_name(name);
        CHECK(std::find(found.begin(), found.end(), index) != found.end());
        if (name.ends_with(']')) ++with_subleaf;
    });
    CHECK(with_subleaf > 100);
    CHECK(builtin_rulebook().find_printed_name("l4_wbinvd[0]").size() == 1);
}

TEST_CASE("a subleaf that a field has not, or that is no number, is no name", "[rulebook]") {
    for (const char* name : {"l4_wbinvd[64]", "avx2[1]", "l4_wbinvd[]", "l4_wbinvd[0", "l4_wbinvd[-1]", "l4_wbinvd[x]",
                             "[0]", "xsave state nothing", "l4_wbinvd[99999999999]"}) {
        CAPTURE(name);
        CHECK(builtin_rulebook().find_printed_name(name).empty());
    }
}

TEST_CASE("an option takes no name of one subleaf, since it would change them all", "[rulebook]") {
    CHECK(builtin_rulebook().find_any_name("l4_wbinvd[0]").empty());
}

TEST_CASE("the names that are no fields' are found as well", "[rulebook]") {
    const Rulebook& rulebook = builtin_rulebook();
    for (const XsaveComponent& component : rulebook.xsave) {
        CAPTURE(component.id);
        const auto found = rulebook.find_printed_name("xsave state " + std::string(component.id));
        CHECK(std::equal(found.begin(), found.end(), component.features.begin(), component.features.end()));
    }
    const std::string vendor = compare::vendor_violation("GenuineIntel", "AuthenticAMD").field;
    CHECK(rulebook.find_printed_name(vendor).size() == 3);
}

TEST_CASE("explain takes every name that check prints of its vendor's fields", "[explain]") {
    const auto takes_all = [](const TableBuilder& table, std::size_t vendor) {
        const PoolPolicy policy = Merged({hardware_host("a", table)}).policy;
        const Explainer explainer(builtin_rulebook(), policy);
        for_each_name([&](const std::string& name, FieldIndex index) {
            if (((builtin_rulebook()[index].vendors >> vendor) & 1U) == 0) return;
            CAPTURE(name);
            const auto found = explainer.fields_named(name);
            CHECK(std::find(found.begin(), found.end(), index) != found.end());
        });
        CHECK(explainer.fields_named("vendor").size() == 3);
        for (const XsaveComponent& component : builtin_rulebook().xsave) {
            CHECK(explainer.state_named("xsave state " + std::string(component.id)));
        }
    };
    takes_all(intel_table(), builtin_rulebook().vendor_of("GenuineIntel").value());
    takes_all(amd_table(), builtin_rulebook().vendor_of("AuthenticAMD").value());
}

}  // namespace poolcpuid::test::printed_names_test
