// Names that somebody may have meant.

#include <string>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/near_names.hpp"
#include "tests/catch.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test::near_names_test {

using rulebook::did_you_mean;
using rulebook::edits_between;
using rulebook::near_names;

namespace {

constexpr VendorMask all_vendors = 0xFF;

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("edits are characters put in, taken out, replaced or swapped", "[names]") {
    CHECK(edits_between("avx2", "avx2") == 0);
    CHECK(edits_between("avx", "avx2") == 1);
    CHECK(edits_between("avx2", "avx") == 1);
    CHECK(edits_between("avx1", "avx2") == 1);
    CHECK(edits_between("vax2", "avx2") == 1);
    CHECK(edits_between("", "avx2") == 4);
    CHECK(edits_between("avx2", "") == 4);
    CHECK(edits_between("smep", "smap") == 1);
    CHECK(edits_between("sme", "pku") == 3);
    CHECK(edits_between("ca", "abc") == 3);  // no character is edited twice
}

TEST_CASE("letter case and the kind of dash are no edit", "[names]") {
    CHECK(edits_between("FS-GS_BASE", "fs_gs-base") == 0);
    CHECK(edits_between("FS_GS_BSE", "fs-gs-base") == 1);
}

TEST_CASE("near names are a few edits away, the nearest first, then those that hold the name", "[names]") {
    const Rulebook& rules = builtin_rulebook();
    CHECK(near_names(rules, all_vendors, "avx512ff", 1) == Names{"avx512f"});
    CHECK(near_names(rules, all_vendors, "NoSmmCtlMSRs", 1) == Names{"NoSmmCtlMSR"});
    CHECK(near_names(rules, all_vendors, "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", 8).empty());
    CHECK(near_names(rules, all_vendors, "", 8).empty());
    CHECK(near_names(rules, all_vendors, "vmx", 3).size() == 3);
    CHECK(near_names(rules, all_vendors, "AVX512FF", 1) == Names{"avx512f"});  // the id before other projects' names
}

TEST_CASE("only names of the vendor's fields are near", "[names]") {
    const LoadResult loaded = load_rulebook(small_rulebook());
    REQUIRE(loaded.findings.empty());
    const Rulebook& rules = loaded.rulebook.view();
    constexpr VendorMask intel = 1;
    constexpr VendorMask amd = 2;
    CHECK(near_names(rules, intel, "of_intl", 4) == Names{"of_intel"});
    CHECK(near_names(rules, amd, "of_amdd", 4) == Names{"of_amd"});
    CHECK(near_names(rules, amd, "of_intl", 4) != Names{"of_intel"});
    CHECK(near_names(rules, amd, "q-base", 1) == Names{"q-base"});
}

TEST_CASE("a suggestion is a question, or nothing", "[names]") {
    const LoadResult loaded = load_rulebook(small_rulebook());
    const Rulebook& rules = loaded.rulebook.view();
    CHECK(did_you_mean(rules, all_vendors, "relaxd") == "; did you mean relaxed?");
    CHECK(did_you_mean(rules, all_vendors, "rsb") == "; did you mean rsba or rrsba?");
    CHECK(did_you_mean(rules, all_vendors, "zzzzzzzzzz").empty());
}

}  // namespace poolcpuid::test::near_names_test
