// The readers of text dumps over real dumps, which are not part of the source (see dump_directory).

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::text_dump_corpus_test {

namespace {

struct Format {
    bool (*recognise)(std::string_view bytes) noexcept;
    Reader read;
};

constexpr std::array formats{Format{dump::is_instlatx64, dump::read_instlatx64},
                             Format{dump::is_cpuid_r, dump::read_cpuid_r}, Format{dump::is_kcpuid, dump::read_kcpuid},
                             Format{dump::is_libcpuid, dump::read_libcpuid}};

std::vector<Format> recognising(std::string_view bytes) {
    std::vector<Format> result;
    for (const Format& format : formats) {
        if (format.recognise(bytes)) result.push_back(format);
    }
    return result;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

HostDump read_real(const std::filesystem::path& path) {
    const std::string bytes = read_file(path);
    return read_hosts(bytes, path.filename().string()).at(0);
}

// On how many logical CPUs the register has exactly this value.
std::ptrdiff_t count_cpus(const HostDump& host, LeafKey key, Register reg, std::uint32_t value) {
    return std::count_if(host.hardware->cpus.begin(), host.hardware->cpus.end(), [&](const LogicalCpu& cpu) {
        const Registers* row = cpu.cpuid.find(key);
        return row != nullptr && (*row)[reg] == value;
    });
}

void check_table(const CpuidTable& table) {
    const auto by_key = [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; };
    CHECK(std::is_sorted(table.rows.begin(), table.rows.end(), by_key));
    CHECK(std::is_sorted(table.unknown.begin(), table.unknown.end()));
    for (const UnknownRow& row : table.unknown) {
        if (row.subleaf) CHECK(table.find({row.leaf, *row.subleaf}) == nullptr);
    }
    CHECK(table.find({0, 0}) != nullptr);
    CHECK(table.find({1, 0}) != nullptr);
}

}  // namespace

TEST_CASE("every real text dump is recognised by one reader, and read", "[corpus]") {
    const auto directory = dump_directory();
    for (const char* source : {"instlatx64", "libcpuid", "cpuid-r"}) {
        for (const auto& path : files_of(directory / source)) {
            CAPTURE(path);
            REQUIRE(recognising(read_file(path)).size() == 1);
            const HostDump host = read_real(path);
            for (const LogicalCpu& cpu : host.hardware->cpus) check_table(cpu.cpuid);
        }
    }
}

TEST_CASE("no reader of text dumps takes another format", "[corpus]") {
    const auto directory = dump_directory();
    for (const char* source : {"libvirt", "firecracker", "xen", "reject"}) {
        for (const auto& path : files_of(directory / source)) {
            CAPTURE(path);
            const std::string bytes = read_file(path);
            for (const Format& format : recognising(bytes)) {
                CHECK(contains(refusal_of(format.read, bytes), "a dump of an ARM CPU"));
            }
        }
    }
}

TEST_CASE("real values are read exactly", "[corpus]") {
    const auto directory = dump_directory();
    const auto aida_file = [&](const char* name) { return read_real(directory / "instlatx64" / name); };

    SECTION("Rome has 256 CPUs and EferLmsleUnsupported clear") {
        const HostDump host = aida_file("AuthenticAMD0830F10_K17_Rome_CPUID.txt");
        CHECK(host.hardware->cpus.size() == 256);
        CHECK(count_cpus(host, {0x80000008, 0}, Register::ebx, 0x018EF757) == 256);
        CHECK(value_of(host, {0xD, 9}) == Registers{0x40, 0x340, 0, 0});
    }
    SECTION("Ivy Bridge's unlabelled row of leaf D is subleaf 2") {
        const HostDump host = aida_file("GenuineIntel00306E4_IvyBridgeEP_CPUID.txt");
        CHECK(value_of(host, {0xD, 2}) == Registers{0x100, 0x240, 0, 0});
        CHECK(table_of(host).find({0xD, 1}) == nullptr);
        CHECK(table_of(host).is_unknown({0xD, 1}));
    }
    SECTION("Opteron 6344 has LWP on half its CPUs") {
        const HostDump host = aida_file("AuthenticAMD0600F20_K15_AbuDhabi_CPUID1.txt");
        CHECK(count_cpus(host, {0x80000001, 0}, Register::ecx, 0x01EB3FFF) == 12);
        CHECK(count_cpus(host, {0x80000001, 0}, Register::ecx, 0x01EBBFFF) == 12);
        CHECK(value_of(host, {0xD, 62}).eax == 0x80);
    }
    SECTION("Arrow Lake-H lacks 80000008:EBX[9] on two of its CPUs") {
        const HostDump host = aida_file("GenuineIntel00C0652_ArrowLakeH_04_CPUID.txt");
        CHECK(count_cpus(host, {0x80000008, 0}, Register::ebx, 0x200) == 14);
        CHECK(count_cpus(host, {0x80000008, 0}, Register::ebx, 0) == 2);
    }
    SECTION("Cascade Lake's zeros for PKRU are no layout") {
        const HostDump host = aida_file("GenuineIntel0050657_CascadeLakeXeon_CPUID.txt");
        CHECK(table_of(host).is_unknown({0xD, 9}));
    }
    SECTION("a host whose dump is headed by leaf 0 alone has all its CPUs") {
        CHECK(aida_file("GenuineIntel0000543_P55C_CPUID.txt").hardware->cpus.size() == 2);
        CHECK(aida_file("GenuineIntel0050671_KnightsLanding_CPUID2.txt").hardware->cpus.size() == 288);
    }
    SECTION("libcpuid's garbage beyond the maximum is no row") {
        const HostDump host = read_real(directory / "libcpuid" / "intel-xeon-cpu-e5-2697-v2.test");
        CHECK(host.format == "libcpuid");
        CHECK(table_of(host).find({0xE, 0}) == nullptr);
        CHECK(value_of(host, {7, 0}).ebx == 0x281);
    }
    SECTION("cpuid -r and kcpuid -r of one machine agree") {
        const HostDump full = read_real(directory / "cpuid-r" / "thismachine-cpuid-r.txt");
        const HostDump brief = read_real(directory / "cpuid-r" / "thismachine-kcpuid-r.txt");
        CHECK(full.hardware->cpus.size() == 2);
        CHECK(value_of(full, {0x80000021, 0}).eax == 0x204);
        for (const LeafKey key : {LeafKey{7, 0}, LeafKey{7, 1}, LeafKey{0xD, 12}, LeafKey{0x80000021, 0}}) {
            CHECK(value_of(full, key) == value_of(brief, key));
        }
    }
}

namespace {

// The bytes of one of the small inputs from public reports, which stand beside the dumps.
std::string reported(const std::string& name) {
    const std::string bytes = read_file(dump_directory().parent_path() / "cases" / name);
    REQUIRE_FALSE(bytes.empty());
    return bytes;
}

std::ptrdiff_t count(std::string_view text, std::string_view part) {
    std::ptrdiff_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
    return found;
}

}  // namespace

TEST_CASE("two hosts pasted into one text are refused where the second begins", "[corpus]") {
    CHECK(contains(refusal(reported("two-hosts-in-one-text.txt"), "f"),
                   "f:641: expected each logical CPU of one host once, found another CPU 0"));
    CHECK(contains(refusal(reported("paste-two.txt"), "f"),
                   "f:51: expected each logical CPU of one host once, found another CPU 0"));
}

TEST_CASE("two real dumps in one text of any tool are refused", "[corpus]") {
    const auto text = [](const char* name) { return read_file(dump_directory() / name); };
    const std::string milan = text("instlatx64/AuthenticAMD0A00F11_K19_Milan_02_CPUID.txt");
    const std::string rome = text("instlatx64/AuthenticAMD0830F10_K17_Rome_CPUID.txt");
    const std::string no_header = text("instlatx64/GenuineIntel00306E4_IvyBridgeEP_CPUID.txt");
    const std::string haswell = text("instlatx64/GenuineIntel00306F2_HaswellEP_CPUID.txt");
    const std::string genoa = text("cpuid-r/reemitted-EPYC-9124-8cpus-cpuid-r.txt");
    CHECK(contains(refusal(milan + "\n" + milan), "each logical CPU of one host once"));
    CHECK(contains(refusal(rome + "\n" + milan), "each logical CPU of one host once"));
    CHECK(contains(refusal(no_header + "\n" + haswell), "CPUs of one family and model"));
    CHECK(contains(refusal(genoa + "\n" + genoa), "each logical CPU of one host once"));
    CHECK(contains(refusal(genoa + "\n" + rome), "rows of InstLatx64 alone"));
}

TEST_CASE("quoted and wrapped rows of public reports are all read", "[corpus]") {
    for (const char* name : {"paste-quoted.txt", "xps-wrapped.txt"}) {
        CAPTURE(name);
        const std::string text = reported(name);
        const HostDump host = read_host(text, name);
        CHECK(host.format == "cpuid-r");
        REQUIRE(host.hardware->cpus.size() == 1);
        CHECK(value_of(host, {1, 0}) == Registers{0x000806EA, 0x00100800, 0x7FFAFBFF, 0xBFEBFBFF});
        CHECK(value_of(host, {0x80000008, 0}) == Registers{0x00003027, 0, 0, 0});
        CHECK(table_of(host).rows.size() + 3 == static_cast<std::size_t>(count(text, "edx=0x")));
        CHECK(contains(note_text(host, "rows-beyond-maximum"), " 3 rows "));
    }
}

TEST_CASE("a subleaf that a report's dump announces and lacks is unknown", "[corpus]") {
    const auto unknown = [](const std::string& name, LeafKey key) {
        return table_of(read_host(reported(name), name)).is_unknown(key);
    };
    CHECK_FALSE(unknown("amx_1e1.txt", {0x1E, 1}));
    CHECK(unknown("amx_no_1e1.txt", {0x1E, 1}));
    CHECK(unknown("no_7_1.txt", {0x7, 1}));
}

TEST_CASE("a Xen featureset without its vendor is refused by its name", "[corpus]") {
    CHECK(contains(refusal(read_file(dump_directory() / "xen/featuresets.txt")), "a Xen featureset"));
}

}  // namespace poolcpuid::test::text_dump_corpus_test
