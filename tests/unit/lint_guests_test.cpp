// Lint of the files of guests/: each slip is one finding, where it was made. Made in the rulebook of the program, whose
// names the guests' rules speak of.

#include <string>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/unit/lint_slips.hpp"

namespace poolcpuid::test::lint_guests_test {

namespace {

constexpr const char* linux_guest = "guests/linux.json";

const std::vector<RulebookFile>& files() {
    static const std::vector<RulebookFile> all = read_rulebook_directory(POOLCPUID_SOURCE_DIR "/policy");
    return all;
}

}  // namespace

TEST_CASE("lint checks the names in a guest's rules", "[rulebook][lint][audit]") {
    const char* const unknown = "expected a field of the rulebook, a tag, a fact before this";
    check_all_found(
        {
            {linux_guest, R"("id": "cpu_ibrs")", R"("amd_ibrs")", R"("amd_irbs")", "", unknown},
            {linux_guest, R"("id": "tsx")", R"("!ac_tsx_ctrl")", R"("!ac_tsx")", "", unknown},
            // A fact speaks only of those before it.
            {linux_guest, R"("id": "intel_eibrs")", R"("!auto_ibrs")", R"("!stibp_used")", "", unknown},
            // Nor of itself in other kernels.
            {linux_guest, R"("id": "srso_microcode", "since")", R"(["ibpb_brtype"])", R"(["srso_microcode"])", "",
             unknown},
            {linux_guest, R"("id": "ibrs_mode")", "vendor:intel", "vendor:inntel", "", "a vendor of rulebook.json"},
            {linux_guest, R"(["0x8c", "0x8d", "0x97", "0x9a"])", R"(["intel"])", R"(["inntel"])", "",
             "a vendor of rulebook.json"},
            {linux_guest, R"("id": "pbrsb_bug")", R"("eibrs")", R"("told:eibrs")", "", "only where a host is asked"},
            {linux_guest, R"(["0x8c", "0x8d", "0x97", "0x9a"])", R"("no_mmio")", R"("rtm")", "",
             "a name that no field of the rulebook has"},
            {linux_guest, R"("beyond_software")", R"("bhi")", R"("bih")", "", "a vulnerability of rulebook.json"},
            // The model table says which CPUs they are.
            {linux_guest, R"("beyond_software")", R"("bhi",)", R"("bhi", "models": ["0x1"],)", "", "models"},
            {linux_guest, R"("id": "srso_microcode", "since")", R"("since": "6.12", )", "", "",
             "a fact that no other of that name holds with in one kernel"},
        },
        files());
}

TEST_CASE("lint checks a guest's vulnerabilities", "[rulebook][lint][audit]") {
    check_all_found(
        {
            {linux_guest, R"("id": "meltdown")", R"("id": "meltdown")", R"("id": "a")", "",
             "sorts after the one before"},
            {linux_guest, R"("id": "indirect_target_selection")", R"x(, "name": "indirect target selection")x", "", "",
             "a vulnerability of rulebook.json, or a name"},
            {linux_guest, R"("id": "l1tf")", R"("id": "l1tf")", R"("id": "l1tf", "name": "L1TF")", "",
             "no name: rulebook.json has the vulnerability"},
            {linux_guest, "Mitigation: PTI", R"("is": "mitigated")", R"("is": "safe")", "",
             "mitigated, vulnerable or unknown"},
            {linux_guest, "Mitigation: PTI", R"("is": "mitigated")", R"("is": "not-affected")", "",
             "mitigated, vulnerable or unknown"},
            {linux_guest, "Mitigation: PTI", R"("is": "mitigated")", R"("is": "mitigated", "if": [["rtm"]])", "",
             "a phrase without \"if\" for linux-6.1"},
            {linux_guest, "Mitigation: PTI", R"("text")", R"("texts")", "", "text"},
            {linux_guest, R"("affected": [["meltdown_bug"]])", R"([["meltdown_bug"]])", R"([[]])", "", "a term"},
            {linux_guest, R"("affected": [["meltdown_bug"]])", R"([["meltdown_bug"]])", R"(["meltdown_bug"])", "",
             "an array of terms"},
        },
        files());
}

TEST_CASE("lint checks the ranges in a guest's rules", "[rulebook][lint][audit]") {
    check_all_found(
        {
            {linux_guest, R"(["0x0-0xc"])", "0x0-0xc", "0xc-0x0", "", "with N not above M"},
            {linux_guest, R"(["0x0-0xc"])", "0x0-0xc", "0x0-0x10000", "", "numbers of 16 bits"},
            {linux_guest, R"("tsa_fill_cpu"]})", R"("since": "6.12")", R"("since": "6.13")", "",
             "since and until that a kernel of this file is in"},
            {linux_guest, R"("tsa_fill_cpu"]})", R"("since": "6.12")", R"("since": "6.12", "until": "6.1")", "",
             "a release that is not before since"},
            {linux_guest, R"("tsa_fill_cpu"]})", R"("since": "6.12")", R"("since": "new")", "", "MAJOR.MINOR"},
            {linux_guest, R"("guest": "linux")", R"("linux")", R"("bsd")", "", "what the file is called"},
        },
        files());
}

TEST_CASE("lint wants a guest's kernels in their order", "[rulebook][lint][audit]") {
    std::vector<RulebookFile> changed = files();
    make(changed, {linux_guest, R"("id": "linux-6.12")", R"("release": "6.12")", R"("release": "6.0")", "", ""});
    CHECK_THAT(all_texts(lint(changed)), Catch::Contains("expected a release after that of the kernel before"));
}

TEST_CASE("a guest's file is no part of the rulebook's digest", "[rulebook][audit]") {
    std::vector<RulebookFile> changed = files();
    make(changed, {linux_guest, "Mitigation: PTI", "Mitigation: PTI", "Mitigation: KPTI", "", ""});
    const LoadResult result = load_rulebook(changed);
    REQUIRE(result.findings.empty());
    CHECK(result.rulebook.view().sha256 == builtin_rulebook().sha256);
    CHECK(result.rulebook.view().guests.front().document != builtin_rulebook().guests.front().document);
}

}  // namespace poolcpuid::test::lint_guests_test
