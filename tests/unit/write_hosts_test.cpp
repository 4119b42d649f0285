// Writing hosts: our document carries everything; the text of `cpuid -r` says what it loses.

#include "poolcpuid/write_hosts.hpp"

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::write_hosts_test {

namespace {

// An invented host that uses every member of the document.
HostDump full_host() {
    CpuidTable table;
    table.rows = {{{0, 0}, {0xd, 0x68747541, 0x444d4163, 0x69746e65}},
                  {{1, 0}, {0xa10f11, 1, 0x80000000, 0xffffffff}},
                  {{7, 0}, {0, 0x20, 0, 0}},
                  {{0xd, 0x3e}, {0x80, 0x340, 0, 0}},
                  {{0x80000000, 0}, {0x80000008, 0, 0, 0}}};
    table.unknown = {{7, 1}, {0x80000008, std::nullopt}};
    HostDump host;
    host.name = "node-\"17\"";
    host.hardware =
        HardwareView{{{0, table}, {5, table}}, std::vector<MsrRow>{{0x10a, 0xffffffffffffffff}, {0x480, std::nullopt}}};
    host.hypervisor = HypervisorView{"kvm", table, std::vector<MsrRow>{}};
    host.meta = {{"kernel", "6.1"}, {"microcode", "0x1"}};
    return host;
}

void check_same_host(const HostDump& a, const HostDump& b) {
    CHECK(a.name == b.name);
    CHECK(a.hardware == b.hardware);
    CHECK(a.hypervisor == b.hypervisor);
    CHECK(a.meta == b.meta);
}

// A document carries no notes: what one is told again stands in its CPUID.
void check_notes(const HostDump& again) {
    for (const DumpNote& note : again.notes) {
        const bool is_of_rows = note.code == "virtual-machine" || note.code == "hyperv-root" ||
                                note.code == "cpus-missing" || note.code == "core-types-missing";
        CHECK(is_of_rows);
    }
}

std::string cpuid_r(const HostDump& host) {
    std::vector<std::string> warnings;
    return to_cpuid_r(host, warnings);
}

bool any_contains(const std::vector<std::string>& texts, std::string_view part) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) { return contains(text, part); });
}

// The tables of a host that `cpuid -r` text carries.
std::vector<LogicalCpu> cpus_of(const HostDump& host) {
    if (host.hardware) return host.hardware->cpus;
    return {{0, host.hypervisor->cpuid}};
}

// Rows of zeros say the same as no rows; everything else must be equal.
void check_same_rows(const HostDump& written, const HostDump& read_back) {
    const std::vector<LogicalCpu> before = cpus_of(written);
    const std::vector<LogicalCpu> after = cpus_of(read_back);
    REQUIRE(before.size() == after.size());
    const auto content = [](const CpuidTable& table) {
        std::vector<CpuidRow> rows = table.rows;
        std::erase_if(rows, [](const CpuidRow& row) { return row.value.all_zero(); });
        return rows;
    };
    for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(content(before[i].cpuid) == content(after[i].cpuid));
        const auto& rows = before[i].cpuid.rows;
        CHECK(std::all_of(rows.begin(), rows.end(), [&](const CpuidRow& row) {
            const Registers* same = after[i].cpuid.find(row.key);
            return same != nullptr && *same == row.value;
        }));
    }
}

}  // namespace

TEST_CASE("our document is written in its canonical form", "[write_hosts]") {
    HostDump host;
    host.name = "n";
    CpuidTable table;
    table.rows = {{{0, 0}, {1, 0x68747541, 0x444d4163, 0x69746e65}}, {{1, 0}, {0xa10f11, 0, 0, 0}}};
    table.unknown = {{0x80000000, std::nullopt}};
    host.hardware = HardwareView{{{0, table}}, std::vector<MsrRow>{{0x10a, 0x2b}, {0x480, std::nullopt}}};
    CHECK(to_host_json(host) == R"({
  "schema": "poolcpuid/host/v1",
  "name": "n",
  "views": {
    "hardware": {
      "cpus": [
        {
          "cpu": 0,
          "cpuid": [
            {
              "leaf": "0x0",
              "subleaf": "0x0",
              "eax": "0x00000001",
              "ebx": "0x68747541",
              "ecx": "0x444d4163",
              "edx": "0x69746e65"
            },
            {
              "leaf": "0x1",
              "subleaf": "0x0",
              "eax": "0x00a10f11",
              "ebx": "0x00000000",
              "ecx": "0x00000000",
              "edx": "0x00000000"
            }
          ],
          "unknown": [
            {
              "leaf": "0x80000000"
            }
          ]
        }
      ],
      "msrs": [
        {
          "index": "0x10a",
          "value": "0x000000000000002b"
        },
        {
          "index": "0x480",
          "fault": true
        }
      ]
    }
  }
}
)");
}

TEST_CASE("a written document reads back as the same host and writes to the same bytes", "[write_hosts]") {
    const HostDump host = full_host();
    const std::string text = to_host_json(host);
    const HostDump again = read_host(text);
    check_same_host(host, again);
    check_notes(again);
    CHECK(to_host_json(again) == text);
}

TEST_CASE("a document in any order and with any digits has one canonical form", "[write_hosts]") {
    const std::string forward =
        document(R"("hardware": {"cpus": [{"cpu": 0, "cpuid": [)" + leaf_0 + ", " + leaf_1 + "]}]}", R"("name": "n")");
    const std::string backward = R"({"name": "n", "views": {"hardware": {"cpus": [{"cpuid": [)" + leaf_1 + ", " +
                                 leaf_0 + R"(], "cpu": 0}]}}, "schema": "poolcpuid/host/v1"})";
    CHECK(to_host_json(read_host(forward)) == to_host_json(read_host(backward)));
}

TEST_CASE("text that is not UTF-8 does not stop the writer", "[write_hosts]") {
    HostDump host = full_host();
    host.meta["kernel"] = "\xFF";
    CHECK(read_host(to_host_json(host)).meta.at("kernel") == "\xEF\xBF\xBD");
}

TEST_CASE("cpuid -r text has a header a CPU and a line a row", "[write_hosts]") {
    HostDump host;
    CpuidTable table;
    table.rows = {{{0, 0}, {1, 0x68747541, 0x444d4163, 0x69746e65}}, {{1, 0}, {0xa10f11, 0, 0, 0xff}}};
    host.hardware = HardwareView{{{0, table}, {1, table}}, std::nullopt};
    std::vector<std::string> warnings;
    const std::string rows =
        "   0x00000000 0x00: eax=0x00000001 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65\n"
        "   0x00000001 0x00: eax=0x00a10f11 ebx=0x00000000 ecx=0x00000000 edx=0x000000ff\n";
    CHECK(contains(to_cpuid_r(host, warnings), "CPU 0:\n" + rows));
    CHECK(contains(to_cpuid_r(host, warnings), "CPU 1:\n" + rows));
    CHECK(warnings.empty());
}

TEST_CASE("cpuid -r text reads back as the same rows", "[write_hosts]") {
    const HostDump host = full_host();
    const HostDump again = read_host(cpuid_r(host), "x.txt");
    CHECK(again.format == "cpuid-r");
    check_same_rows(host, again);
    CHECK(again.hardware->cpus[1].number == 5);
}

TEST_CASE("a row that is left out because it is zero does not become unknown", "[write_hosts]") {
    HostDump host;
    CpuidTable table;  // leaf 7 announces subleaves 1 and 2: 1 is zero, 2 is unknown; leaves 2 to 6 are zero
    table.rows = {
        {{0, 0}, {7, 0x68747541, 0x444d4163, 0x69746e65}}, {{1, 0}, {0xa10f11, 0, 0, 0}}, {{7, 0}, {2, 0, 0, 0}}};
    table.unknown = {{7, 2}};
    host.hardware = HardwareView{{{0, table}}, std::nullopt};
    const HostDump again = read_host(cpuid_r(host), "x.txt");
    CHECK_FALSE(again.first_table().is_unknown({5, 0}));
    CHECK_FALSE(again.first_table().is_unknown({7, 1}));
    CHECK(again.first_table().is_unknown({7, 2}));
}

TEST_CASE("cpuid -r text warns of everything that it cannot carry", "[write_hosts]") {
    std::vector<std::string> warnings;
    to_cpuid_r(full_host(), warnings);
    CHECK(any_contains(warnings, "no MSRs: 2 left out"));
    CHECK(any_contains(warnings, "4 unknown rows left out"));
    CHECK(any_contains(warnings, "the hypervisor's is left out"));
    CHECK(any_contains(warnings, "no host name"));
    CHECK(any_contains(warnings, "no meta"));
    CHECK(warnings.size() == 5);
}

TEST_CASE("cpuid -r text warns of the bits of its rows that nobody knows", "[write_hosts]") {
    CpuidTable table;
    table.rows = {{{0, 0}, {7, 0x68747541, 0x444d4163, 0x69746e65}}, {{7, 0}, {0, 0x20, 0, 0}}};
    table.unknown_bits = {{{0, 0}, {0xffffffff, 0, 0, 0}}, {{7, 0}, {0, 0xf0, 0, 0}}};
    CpuidTable other = table;
    other.unknown_bits = {{{7, 0}, {0, 0xf, 0, 0x80000000}}};
    HostDump host;
    host.hardware = HardwareView{{{0, table}, {1, other}}, std::nullopt};
    std::vector<std::string> warnings;
    to_cpuid_r(host, warnings);
    CHECK(warnings == std::vector<std::string>{"cpuid -r text cannot say which bits of a row are unknown: zeros stand "
                                               "for those of 0x0.0x0 (eax=0xffffffff), 0x7.0x0 (ebx=0x000000ff "
                                               "edx=0x80000000)"});
}

TEST_CASE("a lone hypervisor view becomes CPU 0, with a warning", "[write_hosts]") {
    HostDump host = full_host();
    host.hardware.reset();
    std::vector<std::string> warnings;
    CHECK(to_cpuid_r(host, warnings).starts_with("CPU 0:\n"));
    CHECK(any_contains(warnings, "read as hardware"));
}

TEST_CASE("every real dump survives conversion", "[write_hosts][corpus]") {
    const auto corpus = dump_directory();
    std::size_t read = 0;
    for (const char* directory : {"cpuid-r", "firecracker", "instlatx64", "libcpuid", "libvirt"}) {
        for (const auto& entry : std::filesystem::directory_iterator(corpus / directory)) {
            if (!is_in_part(read)) continue;
            CAPTURE(entry.path().string());
            const HostDump host = read_host(read_file(entry.path()), entry.path().string());
            const std::string text = to_host_json(host);
            const HostDump again = read_host(text, "other.json");
            check_same_host(host, again);
            check_notes(again);
            CHECK(to_host_json(again) == text);
            check_same_rows(host, read_host(cpuid_r(host), "other.txt"));
        }
    }
    CHECK(read >= 150);
}

}  // namespace poolcpuid::test::write_hosts_test
