// Lint of the files of targets/ and of what lies in a rulebook directory beside them: each slip is one finding, where
// it was made. Made in the rulebook of the program, whose names the targets speak of.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"
#include "tests/unit/lint_slips.hpp"
#include "tests/unit/shown_policy.hpp"

namespace poolcpuid::test::lint_targets_test {

namespace fs = std::filesystem;

namespace {

constexpr const char* policy_directory = POOLCPUID_SOURCE_DIR "/policy";
constexpr const char* firecracker = "targets/firecracker.json";
constexpr const char* kvm = "targets/kvm.json";
constexpr const char* libvirt = "targets/libvirt.json";
constexpr const char* proxmox = "targets/proxmox.json";
constexpr const char* qemu = "targets/qemu.json";
constexpr const char* virtualbox = "targets/virtualbox.json";
constexpr const char* vmware = "targets/vmware.json";
constexpr const char* xen = "targets/xen.json";

const std::vector<RulebookFile>& files() {
    static const std::vector<RulebookFile> all = read_rulebook_directory(policy_directory);
    return all;
}

// A copy of policy/ that a test may spoil.
std::string copy_in(const TemporaryDirectory& dir) {
    fs::copy(policy_directory, dir.file("policy"), fs::copy_options::recursive);
    return dir.file("policy");
}

}  // namespace

TEST_CASE("lint checks the places and values of a target", "[rulebook][lint][render]") {
    check_all_found(
        {
            {firecracker, R"("leaf": "0xa")", R"("leaf": "0xa")", R"("leef": "0xa")", "", "leaf"},
            {firecracker, R"("leaf": "0xa")", R"("leaf": "0xa")", R"("leaf": "0xa", "msr": "0x1")", "", "\"leaf\""},
            {firecracker, R"("leaf": "0xa")", R"("leaf": "0xa")", R"("leaf": 10)", "", "expected a string, found 10"},
            {firecracker, R"("leaf": "0xa")", R"("0xa")", R"("0xb-0xa")", "", "with N not above M"},
            {firecracker, R"("leaf": "0xa")", R"("vendors")", R"("register": "rax", "vendors")", "",
             "expected eax, ebx, ecx or edx, found \"rax\""},
            {firecracker, R"("leaf": "0xa")", R"("vendors")", R"("subleaf": "1", "vendors")", "", "with N not above M"},
            {kvm, R"("msr": "0x487")", R"("msr": "0x487")", R"("leaf": "0x487")", "", "expected an MSR"},
            {kvm, R"("msr": "0x487")", R"("KVM makes it from CPUID.")", R"("")", "", "a text"},
            {firecracker, R"("bits": "24")", R"("24")", R"("32")", "", "below 32, the high bit first"},
            {firecracker, R"("bits": "15:8")", R"("15:8")", R"("8:15")", "", "below 32, the high bit first"},
            {firecracker, R"("bits": "24")", R"("0x1", "why")", R"("0x2", "why")", "",
             "a value of no more bits than the place has"},
            {firecracker, R"("bits": "24")", R"("0x1", "why")", R"("1", "why")", "", "0x"},
            {firecracker, R"("leaf": "0xa")", R"(["intel"])", R"(["inntel"])", "",
             "expected a vendor of rulebook.json, found \"inntel\""},
            {firecracker, R"("leaf": "0xa")", R"(["intel"])", "[]", "", "expected a vendor of rulebook.json"},
            {firecracker, R"("leaf": "0xa")", R"("value": "0x0", "why": "Firecracker turns the performance)",
             R"("if": "lm", "why": "Firecracker turns the performance)", "", "if"},
            {firecracker, R"("target")", R"("firecracker")", R"("firecrackers")", "", "expected \"firecracker\""},
            {firecracker, R"("leaf": "0xa")", R"("why": "Firecracker turns the performance monitoring unit off.")",
             R"("why": "")", "", "expected a text"},
            {firecracker, R"("services")", R"("leaf")", R"("leef")", "", "leaf"},
            {xen, R"("up_to_host")", "true", R"("yes")", "", "true or false"},
        },
        files());
}

TEST_CASE("lint checks what qemu.json names", "[rulebook][lint][render]") {
    check_all_found(
        {
            {qemu, R"("leaf": "0xa", "if")", R"("pmu_version")", R"("pmu_versoin")", "",
             "expected a field of the rulebook, found \"pmu_versoin\""},
            {qemu, R"("property": "phys-bits")", R"("if": "lm")", R"("if": "!lm")", "",
             "expected a field of the rulebook, found \"!lm\""},
            {qemu, R"("property": "xlevel2")", R"("xlevel2")", R"("xlevel3")", "", "since, or a name that QEMU has"},
            {qemu, R"("property": "xlevel2")", R"("xlevel2")", R"("xlevel2", "since": "7.2")", "", "no since"},
            {qemu, R"("property": "xlevel2")", R"(, "register": "eax")", "", "", "one register"},
            {qemu, R"("untold": [{"vendors": ["amd"])", R"(["amd"])", R"(["amb"])", "", "vendor"},
            {qemu, R"("property": "xlevel2")", R"("0x0")", R"("0x100000000")", "", "no more bits than the place has"},
            {qemu, R"("oldest")", R"("7.2")", R"("7.2.22")", "", "expected a release \"MAJOR.MINOR\""},
            {qemu, R"("always":)", R"("hypervisor")", R"("hyperviser")", "", "a name that QEMU has for a field"},
            {qemu, R"("accel": "kvm", "value")", R"("kvm", "value")", R"("xen", "value")", "", "expected kvm or tcg"},
            {qemu, R"("states": ["avx")", R"("bndcsr")", R"("bndcrs")", "",
             "expected a component of xsave.json, found \"bndcrs\""},
            {qemu, R"("states": ["avx")", R"("until": "11.1")", R"("until": "9.1")", "", "not before since"},
            {qemu, R"("field": "ac_fb_clear")", R"("ac_psdp_no"])", R"("ac_psdp_not"])", "",
             "expected a field of the rulebook"},
            {qemu, R"("tcg_xsave_layout")", R"("intel")", R"("via")", "", "expected a vendor of rulebook.json"},
            {qemu, R"("leaf": "0x80000006", "edx")", R"("edx")", R"("edi")", "", "edi"},
            {qemu, R"("compacted_size")", R"("register": "ebx")", R"("regster": "ebx")", "", "one register"},
            {qemu, R"("switches")", R"([{"property": "cpuid-0xb", "since": "7.2", "leaf": "0xb"}])", R"({})", "",
             "array"},
        },
        files());
}

TEST_CASE("lint checks what libvirt.json names", "[rulebook][lint][render]") {
    check_all_found(
        {
            {libvirt, R"("keeps")", R"("phys-bits")", R"("phys-bit")", "", "expected a number of qemu.json"},
            {libvirt, R"("keeps")", R"("phys-bits")", R"("avx2")", "", "expected a number of qemu.json"},
            {libvirt, R"("vendors": {)", R"("GenuineIntel")", R"("GenuineIntal")", "", "CPUID vendor string"},
            {libvirt, R"("models": ["n270")", R"("0x1c")", R"("1c")", "", "0x"},
            {libvirt, R"("since": "7.1")", R"("since": "7.1")", R"("since": "7")", "", "expected a release"},
            {libvirt, R"("below_stepping")", R"("below_stepping")", R"("below_step")", "", "below_step"},
            {libvirt, R"("plainest")", R"("qemu64")", "64", "", "expected a string"},
        },
        files());
}

TEST_CASE("lint checks what proxmox.json names", "[rulebook][lint][render]") {
    check_all_found(
        {
            {proxmox, R"("GenuineIntel")", R"("GenuineIntel")", R"("GenuineIntal")", "", "CPUID vendor string"},
            {proxmox, R"("AuthenticAMD")", R"(["EPYC")", R"([1, "EPYC")", "", "expected a string, found 1"},
            {proxmox, R"("min": "0x8")", R"("phys-bits")", R"("phys-bit")", "", "expected a number of qemu.json"},
            {proxmox, R"("adds")", R"("sep")", R"("sepp")", "", "a name that QEMU has for a field"},
            {proxmox, R"("features")", R"("sse2")", R"("sse-2")", "", "a name that QEMU has for a field"},
            {proxmox, R"("plainest")", R"("qemu64")", "64", "", "expected a string"},
        },
        files());
}

TEST_CASE("lint checks what virtualbox.json and vmware.json name", "[rulebook][lint][render]") {
    check_all_found(
        {
            {virtualbox, R"("leaves")", R"("0x0-0x3")", R"("0x3-0x0")", "", "with N not above M"},
            {virtualbox, R"("option": "pae")", R"("if": "pae")", R"("if": "pea")", "", "a field of the rulebook"},
            {virtualbox, R"("option": "pae")", R"(, "if": "pae")", "", "", "\"if\""},
            {virtualbox, R"("with": "!spec-ctrl")", R"("!spec-ctrl")", R"("!spec-ctl")", "", "an option of switches"},
            {virtualbox, R"("mask": "0x842569")", R"("0x842569")", R"("842569")", "", "0x"},
            {virtualbox, R"("mask": "0x842569")", R"("register": "ebx", )", "", "", "one register"},
            {virtualbox, R"("value": "0x16")", R"("0x16")", "22", "", "expected a string"},
            {virtualbox, R"("bits": "17")", R"("!fsgsbase")", R"("!fsgsbas")", "", "a field of the rulebook"},
            {virtualbox, R"("release")", R"("7.0")", R"("7")", "", "expected a release"},
            {vmware, R"("avx2": "AVX2")", R"("avx2")", R"("avx3")", "", "a field of the rulebook"},
            {vmware, R"("computed")", "[]", R"("0xd")", "", "array"},
        },
        files());
}

TEST_CASE("lint checks what xen.json names", "[rulebook][lint][render]") {
    check_all_found(
        {
            {xen, R"("S": ["TSC_DEADLINE"])", "TSC_DEADLINE", "TSC_DEADLIEN", "", "a name that Xen has for a field"},
            {xen, R"("S": ["TSC_DEADLINE"])", "TSC_DEADLINE", "LA57", "", "a feature of the word 1c"},
            {xen, R"("H": ["PCID"])", "PCID", "X2APIC", "", "a feature that no word has yet"},
            {xen, R"("H": ["PCID"])", R"("H")", R"("X")", "", "attributes of cpufeatureset.h"},
            {xen, R"("RTM": ["TSXLDTRK"])", R"("RTM")", R"("RTN")", "",
             "a name that Xen has for a field, found \"RTN\""},
            {xen, R"("RTM": ["TSXLDTRK"])", R"("TSXLDTRK")", R"("TSX")", "", "a name that Xen has for a field"},
            {xen, R"("NO_LMSL", "why")", R"("NO_LMSL")", R"("NO_LSML")", "", "a name that Xen has for a field"},
            {xen, R"("if": "!page1gb")", "!page1gb", "!page1g", "",
             "expected a field of the rulebook, found \"page1g\""},
            {xen, R"("leaf": "0x0", "register": "eax", "value")", R"(, "register": "eax")", "", "", "one register"},
            {xen, R"("subleafed")", R"("0x4")", "4", "", "4"},
            {xen, R"("clfsh")", R"("CLFLUSH")", R"("CLFLUSHX")", "", "a name that Xen has for a field"},
        },
        files());
}

TEST_CASE("several slips of a target are as many findings", "[rulebook][lint][render]") {
    std::vector<RulebookFile> changed = files();
    make(changed, {qemu, R"("property": "xlevel2")", R"("0xc0000000")", R"("c0000000")", "", ""});
    make(changed, {qemu, R"("leaf": "0xa", "if")", R"("pmu_version")", R"("pmu_versoin")", "", ""});
    make(changed, {xen, R"("if": "!page1gb")", "!page1gb", "!page1g", "", ""});
    changed.push_back({"groups.json", ""});
    const std::vector<LintFinding> findings = lint(changed);
    INFO(all_texts(findings));
    CHECK(findings.size() == 4);
}

TEST_CASE("a slip in an entry that a target names is one finding", "[rulebook][lint]") {
    std::vector<RulebookFile> changed = files();
    std::string& bytes = file_of(changed, "cpuid/0xa.json").bytes;
    bytes.replace(bytes.find(R"("id": "pmu_version")"), 4, R"("di")");
    const std::vector<LintFinding> findings = lint(changed);
    INFO(all_texts(findings));
    for (const LintFinding& finding : findings) CHECK_FALSE(finding.file.starts_with("targets/"));
    CHECK_FALSE(findings.empty());
}

TEST_CASE("after ! a condition of QEMU's asks for a field that is not there, as those of other targets do",
          "[rulebook][render]") {
    std::vector<RulebookFile> changed = files();
    make(changed, {qemu, R"("leaf": "0xa", "if")", R"("pmu_version")", R"("!avx2")", "", ""});
    const LoadResult result = load_rulebook(changed);
    INFO(all_texts(result.findings));
    REQUIRE(result.findings.empty());
    const auto is_unknown = [&](std::uint32_t avx2) {
        const PoolPolicy policy = policy_of(intel_table()
                                                .reg(0x0, 0, Register::eax, 0xA)
                                                .reg(0x7, 0, Register::ebx, avx2)
                                                .row(0xA, 0, {0x07300402, 0, 0, 0x603}));
        const Rendering rendering = render_policy(result.rulebook.view(), policy, "qemu", {});
        return std::any_of(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                           [](const Inexpressible& entry) { return entry.place.leaf == 0xA && !entry.instead; });
    };
    CHECK(is_unknown(0));
    CHECK_FALSE(is_unknown(1U << 5U));
}

TEST_CASE("a target's file is no part of the rulebook's digest", "[rulebook]") {
    std::vector<RulebookFile> changed = files();
    make(changed, {xen, R"("leaf": "0xa", "value")", "Xen has", "Xen had", "", ""});
    const LoadResult result = load_rulebook(changed);
    REQUIRE(result.findings.empty());
    CHECK(result.rulebook.view().sha256 == builtin_rulebook().sha256);
}

TEST_CASE("what lies in a rulebook directory and nothing reads is named", "[rulebook][lint]") {
    const TemporaryDirectory dir;
    const std::string directory = copy_in(dir);
    const auto put = [&](const std::string& name) {
        fs::create_directories(fs::path(directory + "/" + name).parent_path());
        dir.write("policy/" + name, "{}");
    };
    for (const char* ours : {".gitignore", "models.json~", "cpuid/.0x7.json.swp", "targets/README.md"}) put(ours);
    CHECK(lint(read_rulebook_directory(directory)).empty());
    const std::vector<std::string> strays{"cpuid/0x7.jsn", "cpuid/old",          "groups.json",
                                          "msrs",          "targets/bhyve.json", "targets/qemu.jsn"};
    for (const std::string& stray : strays) {
        put(stray == "cpuid/old" || stray == "msrs" ? stray + "/0x7.json" : stray);
    }
    const std::vector<LintFinding> findings = lint(read_rulebook_directory(directory));
    INFO(all_texts(findings));
    REQUIRE(findings.size() == strays.size());
    for (std::size_t i = 0; i < strays.size(); ++i) {
        CHECK(findings[i].file == strays[i]);
        CHECK(findings[i].message == "expected a file that policy/README.md names, found this one");
    }
}

TEST_CASE("a rulebook directory without a target is refused", "[rulebook]") {
    const TemporaryDirectory dir;
    const std::string directory = copy_in(dir);
    fs::remove(directory + "/targets/xen.json");
    CHECK_THROWS_WITH(read_rulebook_directory(directory),
                      Catch::Contains("targets/xen.json") && Catch::Contains("expected a file of the rulebook"));
}

}  // namespace poolcpuid::test::lint_targets_test
