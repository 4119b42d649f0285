// Reading the policies of `xen-cpuid -p`.

#include <algorithm>

#include "dump/leaf_shapes.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::xen_cpuid_test {

namespace {

HostDump read(std::string_view text) { return dump::read_xen_cpuid({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_xen_cpuid, text); }

std::string heading(const std::string& name, std::size_t msrs = 2) {
    return name + " policy: 48 leaves, " + std::to_string(msrs) + " MSRs\n CPUID:\n";
}

// A policy with leaves 0, 1 and 80000000h, more rows, and MSRs.
std::string policy(const std::string& name, const std::string& rows = "", const std::string& msrs = "") {
    return heading(name, static_cast<std::size_t>(std::count(msrs.begin(), msrs.end(), '\n'))) +
           "  leaf     subleaf  -> eax      ebx      ecx      edx     \n"
           "  00000000:ffffffff -> 0000000d:68747541:444d4163:69746e65\n"
           "  00000001:ffffffff -> 00a00f11:00400800:00000001:00000010\n" +
           rows +
           "  80000000:ffffffff -> 80000021:68747541:444d4163:69746e65\n"
           " MSRs:\n  index    -> value           \n" +
           msrs;
}

// The row as the tool prints it; none for zeros.
std::string row_of(const CpuidRow& row) {
    if (row.value.all_zero()) return {};
    const std::string subleaf = dump::has_subleaves(row.key.leaf) ? hex8(row.key.subleaf) : "ffffffff";
    const Registers& value = row.value;
    return "  " + hex8(row.key.leaf) + ":" + subleaf + " -> " + hex8(value.eax) + ":" + hex8(value.ebx) + ":" +
           hex8(value.ecx) + ":" + hex8(value.edx) + "\n";
}

const std::string leaf_7_of_two = "  00000007:00000000 -> 00000002:00000281:00000000:9c000400\n";
const std::string with_arch_capabilities = "  00000007:00000000 -> 00000000:00000281:00000000:20000000\n";

}  // namespace

TEST_CASE("Raw is the hardware view, HVM Max what Xen can give, and those of PV guests do not count", "[xen_cpuid]") {
    const std::string text = "Xen reports there are maximum 120 leaves and 2 MSRs\n" + policy("Raw", leaf_7_of_two) +
                             policy("Host") + policy("PV Max", "damaged\n  00000007:0 -> 1\n") +
                             policy("HVM Max", "  00000006:ffffffff -> 00000004:00000000:00000000:00000000\n") +
                             "PV Default policy not supported by Xen\n" + policy("HVM Default");
    const HostDump host = read_host(text, "host");
    CHECK(host.format == "xen-cpuid");
    CHECK(host.hardware->cpus.size() == 1);
    CHECK(value_of(host, {7, 0}) == Registers{2, 0x281, 0, 0x9C000400});
    CHECK(table_of(host).find({6, 0}) == nullptr);
    REQUIRE(host.hypervisor.has_value());
    CHECK(host.hypervisor->name == "xen");
    CHECK(host.hypervisor->cpuid.find({6, 0})->eax == 4);
    CHECK(host.hypervisor->cpuid.find({7, 0}) == nullptr);
}

TEST_CASE("a row that Xen does not print is zeros in HVM Max", "[xen_cpuid]") {
    const HostDump host = read(policy("HVM Max", leaf_7_of_two));
    CHECK_FALSE(host.hardware.has_value());
    CHECK(host.hypervisor->cpuid.unknown.empty());
}

TEST_CASE("an HVM Max without its extended leaves was cut off, and says so", "[xen_cpuid]") {
    const std::string extended = "  80000000:ffffffff -> 80000021:68747541:444d4163:69746e65\n";
    std::string text = policy("HVM Max", leaf_7_of_two);
    CHECK_FALSE(has_note(read(text), "truncated"));
    text.erase(text.find(extended), extended.size());
    const HostDump cut = read(text);
    CHECK(contains(note_text(cut, "truncated"), "\"HVM Max\" end before the maximum leaf"));
    CHECK(cut.hypervisor->cpuid.is_unknown({0x80000008, 0}));
}

TEST_CASE("in Raw a missing row is zeros where every Xen has a place for it, and else unknown", "[xen_cpuid]") {
    std::string text = policy("Raw", leaf_7_of_two);
    text.replace(text.find("0000000d:68747541"), 8, "00000010");
    const CpuidTable table = table_of(read(text));
    CHECK(table.unknown == std::vector<UnknownRow>{{7, 1},
                                                   {7, 2},
                                                   {0xE, {}},
                                                   {0xF, {}},
                                                   {0x10, {}},
                                                   {0x8000001D, {}},
                                                   {0x8000001E, {}},
                                                   {0x8000001F, {}},
                                                   {0x80000020, {}},
                                                   {0x80000021, {}}});
    CHECK_FALSE(table.is_unknown({0xA, 0}));
    CHECK_FALSE(table.is_unknown({0x80000008, 0}));
}

TEST_CASE("XSAVE components without a size are unknown in both policies", "[xen_cpuid]") {
    const std::string rows = "  0000000d:00000000 -> 00000007:00000340:00000340:00000000\n";
    const HostDump host = read(policy("Raw", rows) + policy("HVM Max", rows));
    CHECK(table_of(host).is_unknown({0xD, 2}));
    CHECK(host.hypervisor->cpuid.is_unknown({0xD, 2}));
    CHECK_FALSE(table_of(host).is_unknown({0xD, 1}));
}

TEST_CASE("of a leaf with subleaves of which Xen keeps one row nothing is known", "[xen_cpuid]") {
    const std::string rows = "  8000001d:ffffffff -> 00004121:01c0003f:0000003f:00000000\n";
    const HostDump host = read(policy("Raw", rows) + policy("HVM Max", rows));
    CHECK(table_of(host).find({0x8000001D, 0}) == nullptr);
    CHECK(table_of(host).is_unknown({0x8000001D, 0}));
    CHECK(host.hypervisor->cpuid.is_unknown({0x8000001D, 0}));
    CHECK(contains(note_text(host, "subleaf-unknown"), "Left out 2 rows"));
}

TEST_CASE("MSRs of HVM Max are what a guest reads", "[xen_cpuid]") {
    const std::string msrs = "  000000ce -> 0000000080000000\n  0000010a -> 000000000000002b\n";
    const auto given = [&](const std::string& rows) { return read(policy("HVM Max", rows, msrs)).hypervisor->msrs; };
    CHECK(given(with_arch_capabilities) == std::vector<MsrRow>{{0xCE, 0x80000000}, {0x10A, 0x2B}});
    CHECK(given("") == std::vector<MsrRow>{{0xCE, 0x80000000}, {0x10A, std::nullopt}});
}

TEST_CASE("MSRs of Raw are those of which Xen keeps all", "[xen_cpuid]") {
    const auto found = [](const std::string& rows, const std::string& value) {
        return read(policy("Raw", rows, "  000000ce -> 0000000080000000\n  0000010a -> " + value + "\n"))
            .hardware->msrs;
    };
    const std::string zero(16, '0');
    CHECK(found(with_arch_capabilities, "000000000000002b") == std::vector<MsrRow>{{0x10A, 0x2B}});
    CHECK(found(with_arch_capabilities, zero) == std::vector<MsrRow>{});
    CHECK(found("", zero) == std::vector<MsrRow>{{0x10A, std::nullopt}});
}

TEST_CASE("the rows of a pool's policy read back as Xen's policy", "[xen_cpuid]") {
    for (const char* host : {"intel-haswell-skylake/hosts/skylake-1.json", "amd-zen/hosts/milan-1.txt"}) {
        CAPTURE(host);
        PoolState state(builtin_rulebook());
        state.add(read_host(read_file(std::string(POOLCPUID_SOURCE_DIR "/examples/") + host)));
        PoolPolicy pool = state.finish({});
        std::string rows;
        for (const CpuidRow& row : pool.cpuid) rows += row_of(row);
        std::erase_if(pool.cpuid, [](const CpuidRow& row) { return row.value.all_zero(); });
        const HostDump dump = read(heading("Host") + rows + " MSRs:\n" + heading("HVM Max") + rows + " MSRs:\n");
        CHECK(dump.hypervisor->cpuid.rows == pool.cpuid);
        CHECK(dump.hypervisor->cpuid.unknown.empty());
    }
}

TEST_CASE("a text without HVM Max was cut, unless Xen says that it has none", "[xen_cpuid]") {
    CHECK(contains(note_text(read(policy("Raw")), "truncated"), "no policy \"HVM Max\""));
    CHECK(has_note(read(policy("Raw") + policy("Host") + policy("PV Max")), "truncated"));
    CHECK_FALSE(has_note(read(policy("Raw") + "HVM Max policy not supported by Xen\n"), "truncated"));
    CHECK_FALSE(has_note(read(policy("Raw") + heading("HVM Max", 0) + " MSRs:\n"), "truncated"));
    CHECK_FALSE(has_note(read(policy("Raw") + policy("HVM Max")), "truncated"));
    CHECK(
        contains(refusal_text(heading("Raw") + "HVM Max policy not supported by Xen\n"), "host:1: expected the MSRs"));
}

TEST_CASE("a policy with fewer MSRs than it counts was cut, and says so", "[xen_cpuid]") {
    const std::string whole = read_file(POOLCPUID_SOURCE_DIR "/examples/formats/xen-cpuid.txt");
    CHECK_FALSE(has_note(read(whole), "truncated"));
    const HostDump cut = read(whole.substr(0, whole.rfind("MSRs:") + 6));
    CHECK(note_text(cut, "truncated") ==
          "Fewer MSRs stand below the policy \"HVM Max\" than its heading counts, so that the text was cut: what is "
          "missing is unknown.");
    const std::size_t columns = whole.find("index    -> value");
    const std::size_t first_msr = whole.find('\n', columns) + 1;
    const std::string without_one = whole.substr(0, first_msr) + whole.substr(whole.find('\n', first_msr) + 1);
    CHECK(contains(note_text(read(without_one), "truncated"), "below the policy \"Raw\" than its heading counts"));
}

TEST_CASE("a text with neither policy is refused with what was expected and found", "[xen_cpuid]") {
    const std::string expected = "host: expected the policy \"Raw\" or \"HVM Max\" of `xen-cpuid -p`, found ";
    CHECK(refusal_text(policy("Domain 5") + policy("PV Max")) == expected + "none but \"Domain 5\", \"PV Max\"");
    CHECK(refusal_text("Xen reports there are maximum 120 leaves and 2 MSRs\n") == expected + "none");
    CHECK(refusal_text(heading("HVM Max") + " MSRs:\n") == expected + "none but \"HVM Max\"");
}

TEST_CASE("a damaged row of xen-cpuid is refused with its line", "[xen_cpuid]") {
    const auto row = GENERATE(as<std::string>{}, "  00000006:ffffffff -> 00000004:00000000:00000000",
                              "  00000006:ffffffff -> 00000004:00000000:00000000:00000000:00000000",
                              "  0000006:ffffffff -> 00000004:00000000:00000000:00000000",
                              "  00000006:ffffffff > 00000004:00000000:00000000:00000000",
                              "  00000006:ffffffff -> 00000004 00000000 00000000 00000000");
    CAPTURE(row);
    CHECK(contains(refusal_text(policy("Raw", row + "\n")), "host:6: expected a row of `xen-cpuid -p`"));
}

TEST_CASE("a damaged MSR of xen-cpuid is refused with its line", "[xen_cpuid]") {
    const auto row = GENERATE(as<std::string>{}, "  0000010a -> 00000000", "  10a -> 0000000000000000",
                              "  0000010a -> 00000000000000000", "  0000010a -> 000000000000000g");
    CAPTURE(row);
    CHECK(contains(refusal_text(policy("Raw", "", row + "\n")), "host:9: expected an MSR of `xen-cpuid -p`"));
}

TEST_CASE("a policy that was cut off, comes twice or has no name is refused", "[xen_cpuid]") {
    const std::string whole = policy("Raw");
    CHECK(contains(refusal_text(whole + policy("Host") + policy("Host")), "found another \"Host\""));
    CHECK(refusal_text(whole.substr(0, whole.find(" MSRs:\n"))) ==
          "host:1: expected the MSRs of the policy \"Raw\" after its CPUID rows, found none");
    CHECK(contains(refusal_text(heading("HVM Max") + whole), "host:1: expected the MSRs of the policy \"HVM Max\""));
    CHECK(
        contains(refusal_text(whole + whole), "host:9: expected each policy of one host once, found another \"Raw\""));
    CHECK(contains(refusal_text("  00000000:ffffffff -> 0000000d:68747541:444d4163:69746e65\n" + whole),
                   "host:1: expected the name of a policy above its rows"));
}

TEST_CASE("what a mail writes around the policies is no row", "[xen_cpuid]") {
    const std::string around =
        "Cc: Andrew <andrew@example.org>\ncc:cc:content-type:date\n[    0.000000] 00:1e.6] fault\n00:1e.6 ISA\n"
        "dead:beef::1\n12:30 it hangs\nface -- and\n20240131: a day\n";
    const HostDump plain = read_host(policy("Raw"));
    const HostDump mail = read_host(around + policy("Raw") + around);
    CHECK(mail.hardware == plain.hardware);
    CHECK(contains(refusal_text(policy("Raw") + "  00000006:ffffffff -> 00000004:00000000:00000000:00000000\n"),
                   "host:9: expected an MSR of `xen-cpuid -p`"));
    CHECK(contains(refusal_text("  0000010a -> 0000000000000000\n" + policy("Raw")),
                   "host:1: expected the name of a policy above its rows"));
}

TEST_CASE("what stands in a policy of Xen is rows and headings, since a row that is missing is zeros", "[xen_cpuid]") {
    const std::string row = "00000007:00000000 -> 00000000:219c97a9:0040068c:00000010";
    const auto stranger = GENERATE_COPY("(XEN)   " + row, "x: " + row, std::string("..."), std::string("left out"));
    const auto name = GENERATE(as<std::string>{}, "Raw", "HVM Max");
    CAPTURE(stranger, name);
    CHECK(refusal_text(policy(name, stranger + "\n")) ==
          "host:6: expected rows of the policy and their headings alone: what is not there is zeros, found \"" +
              stranger + "\"");
    CHECK(
        contains(refusal_text(policy(name, "", "x: 0000010a -> 0000000000000000\n")), "host:9: expected rows of the"));
    CHECK(read(policy(name, "\n leaf subleaf ->\n eax ebx ecx\n edx\n")).hardware == read(policy(name)).hardware);
}

TEST_CASE("policies of two hosts of different vendors are no host", "[xen_cpuid]") {
    std::string other = policy("HVM Max");
    other.replace(other.find("68747541:444d4163:69746e65"), 26, "756e6547:6c65746e:49656e69");
    CHECK(contains(refusal(policy("Raw") + other), "expected CPUs of one vendor"));
}

TEST_CASE("xen-cpuid's text is told from other text", "[xen_cpuid]") {
    CHECK(dump::is_xen_cpuid(policy("Domain 5")));
    CHECK(dump::is_xen_cpuid("> Raw policy: 48 leaves, 2 MSRs\n"));
    CHECK_FALSE(dump::is_xen_cpuid("security policy: 3 leaves\n"));
    CHECK_FALSE(dump::is_xen_cpuid("Xen reports nothing\n"));
    CHECK_FALSE(dump::is_xen_cpuid(""));
}

TEST_CASE("the raw policy of a public report is read", "[xen_cpuid][corpus]") {
    const HostDump host = read_host(read_file(dump_directory().parent_path() / "cases" / "xen-cpuid-p.txt"), "case");
    CHECK(host.format == "xen-cpuid");
    CHECK(value_of(host, {1, 0}) == Registers{0x000306A9, 0x00100800, 0x77BAE3FF, 0xBFEBFBFF});
    CHECK(value_of(host, {7, 0}) == Registers{0, 0x281, 0, 0x9C000400});
    CHECK(host.hardware->msrs == std::vector<MsrRow>{{0x10A, std::nullopt}});
    CHECK_FALSE(host.hypervisor.has_value());
}

}  // namespace poolcpuid::test::xen_cpuid_test
