// Partial hosts: what names and words of features say is known, nothing else is, and each source is refused when it is
// not what it looks like.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "promises/host_promises.hpp"
#include "rulebook/target_data.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::partial_hosts_test {

namespace {

std::string example(const std::string& name) {
    std::ifstream in(POOLCPUID_SOURCE_DIR "/examples/formats/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string replaced(std::string text, std::string_view old, std::string_view fresh) {
    const std::size_t at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), fresh);
}

// "0", "1" or "?".
char bit_of(const CpuidTable& table, LeafKey key, Register reg, unsigned bit) {
    if (((table.unknown_in(key, reg) >> bit) & 1U) != 0) return '?';
    const Registers* row = table.find(key);
    return row != nullptr && (((*row)[reg] >> bit) & 1U) != 0 ? '1' : '0';
}

constexpr LeafKey leaf_1{1, 0};
constexpr LeafKey leaf_7{7, 0};
constexpr LeafKey leaf_e8{0x80000008, 0};
constexpr unsigned avx2 = 5;   // leaf 7 EBX
constexpr unsigned erms = 9;   // leaf 7 EBX
constexpr unsigned clwb = 24;  // leaf 7 EBX

}  // namespace

TEST_CASE("/proc/cpuinfo names what is there, and of all else nothing is known", "[partial]") {
    const HostDump host = read_host(example("cpuinfo.txt"));
    CHECK(host.format == "cpuinfo");
    CHECK(host.is_partial());
    CHECK(host.meta.at("microcode") == "0xa0011d1");
    CHECK(vendor_string(host.first_table()) == "AuthenticAMD");
    REQUIRE(host.hardware->cpus.size() == 2);
    const CpuidTable& table = host.first_table();
    CHECK(table.find(leaf_1)->eax == 0x00a00f11);
    CHECK(table.unknown_in(leaf_1, Register::eax) == 0);
    CHECK(bit_of(table, leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(table, leaf_7, Register::ebx, clwb) == '?');
    CHECK(bit_of(table, {0xD, 0}, Register::eax, 2) == '?');
    REQUIRE(host.notes.size() == 1);
    CHECK(host.notes.front().code == "partial-host");
}

TEST_CASE("every logical CPU of /proc/cpuinfo counts, and a list of flags may be wrapped", "[partial]") {
    const std::string text = example("cpuinfo.txt");
    const std::size_t second = text.rfind(" avx2 ");
    const HostDump differs = read_host(text.substr(0, second) + " " + text.substr(second + 6));
    CHECK(bit_of(differs.hardware->cpus[1].cpuid, leaf_7, Register::ebx, avx2) == '?');
    const HostDump wrapped = read_host(text.substr(0, second) + "\n" + text.substr(second + 1));
    CHECK(wrapped.hardware == read_host(text).hardware);
}

// As `grep -E 'vendor_id|cpu family|model|stepping|microcode|flags'` takes lines out.
std::string without_lines(std::string_view text, std::string_view key) {
    std::string result;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && !line.starts_with(key)) (result += line) += '\n';
    }
    return result;
}

TEST_CASE("CPUs of /proc/cpuinfo whose numbers somebody left out are CPUs all the same", "[partial]") {
    const std::string text = example("cpuinfo.txt");
    const std::string bare = without_lines(text, "processor");
    CHECK(read_host(bare).hardware == read_host(text).hardware);
    std::string second_differs = bare;
    second_differs.replace(bare.rfind(" avx2 "), 6, " ");
    second_differs.replace(second_differs.rfind("0xa0011d1"), 9, "0xa001173");
    const HostDump host = read_host(second_differs);
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(bit_of(host.hardware->cpus[0].cpuid, leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(host.hardware->cpus[1].cpuid, leaf_7, Register::ebx, avx2) == '?');
    CHECK_FALSE(host.meta.contains("microcode"));
    CHECK(host.notes.front().code == "cpus-differ");
    const std::string other_model = std::string(bare).replace(bare.rfind("model\t\t: 1"), 10, "model\t\t: 2");
    CHECK(contains(refusal(other_model, "f"), "expected CPUs of one family and model"));
}

TEST_CASE("a line of a CPU of /proc/cpuinfo that comes again with another value is refused", "[partial]") {
    const std::string text = example("cpuinfo.txt");
    const std::string bare = without_lines(text, "processor");
    const std::string no_second_vendor =
        bare.substr(0, bare.rfind("vendor_id")) + bare.substr(bare.find('\n', bare.rfind("vendor_id")) + 1);
    CHECK(read_host(no_second_vendor).hardware->cpus.size() == 1);  // says the same twice
    struct Case {
        const char* line;
        const char* again;
    };
    for (const auto& [line, again] : {Case{"microcode\t: 0xa001173\n", "microcode"}, Case{"model\t\t: 17\n", "model"},
                                      Case{"stepping\t: 2\n", "stepping"}, Case{"flags\t\t: fpu vme\n", "flags"}}) {
        CHECK(
            contains(refusal(bare + line, "f"), "f:" + std::to_string(1 + std::count(bare.begin(), bare.end(), '\n')) +
                                                    ": expected each line of a CPU once, and above them \"processor\" "
                                                    "or \"vendor_id\", found another \"" +
                                                    again + "\" after that of line "));
    }
    CHECK(contains(refusal(text + bare, "f"), "expected a line \"processor\" above each CPU, or above none"));
    CHECK(contains(refusal(bare + text, "f"), "expected a line \"processor\" above each CPU, or above none"));
}

TEST_CASE("lines of a CPU of /proc/cpuinfo above what begins it are told", "[partial]") {
    const std::string expected =
        "f:1: expected the lines of a CPU in the order of /proc/cpuinfo, \"processor\" or \"vendor_id\" first, found "
        "\"cpu family\" above them";
    const std::string sorted =
        "cpu family\t: 25\nflags\t\t: fpu vme\nmodel\t\t: 1\nstepping\t: 1\nvendor_id\t: AuthenticAMD\n";
    CHECK(refusal(sorted, "f") == expected);
    const std::string numbered =
        std::string(sorted).insert(sorted.find("stepping"), "processor\t: 0\nprocessor\t: 1\n");
    CHECK(refusal(numbered, "f") == expected);
    // What somebody writes above is not what is missing.
    CHECK(contains(
        refusal("model: EPYC\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nflags\t\t: fpu\n", "f"),
        "f:2: expected a line \"stepping\", found none"));
}

TEST_CASE("the revisions of CPUs without numbers beside registers are all looked at", "[partial]") {
    const std::string bare = without_lines(example("cpuinfo.txt"), "processor");
    const std::string registers = example("cpuid-r.txt");
    CHECK(read_host(registers + bare).meta.at("microcode") == "0xa0011d1");
    const HostDump mixed = read_host(registers + std::string(bare).replace(bare.rfind("0xa0011d1"), 9, "0xa001173"));
    CHECK_FALSE(mixed.meta.contains("microcode"));
}

TEST_CASE("each type of CPU that lscpu tells counts, and its microcode", "[partial]") {
    const auto entry = [](const std::string& field, const std::string& data) {
        return R"({"field": ")" + field + R"(", "data": ")" + data + R"("})";
    };
    const auto type = [&](const std::string& stepping, const std::string& flags, const std::string& revision) {
        return entry("Model name:", "a CPU") + "," + entry("CPU family:", "25") + "," + entry("Model:", "1") + "," +
               entry("Stepping:", stepping) + (flags.empty() ? "" : "," + entry("Flags:", flags)) +
               (revision.empty() ? "" : "," + entry("Microcode version:", revision));
    };
    const auto text = [&](const std::string& types) {
        return R"({"lscpu": [{"field": "Vendor ID:", "data": "AuthenticAMD", "children": [)" + types + "]}]}";
    };
    const HostDump host =
        read_host(text(type("1", "fpu avx2", "0xa0011d1") + "," + type("2", "fpu erms", "0xa0011d1")));
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(host.hardware->cpus[1].number == 1);
    CHECK(bit_of(host.hardware->cpus[0].cpuid, leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(host.hardware->cpus[1].cpuid, leaf_7, Register::ebx, avx2) == '?');
    CHECK(bit_of(host.hardware->cpus[1].cpuid, leaf_7, Register::ebx, erms) == '1');
    CHECK((host.hardware->cpus[1].cpuid.find(leaf_1)->eax & 0xFU) == 2);
    CHECK(host.meta.at("microcode") == "0xa0011d1");
    const HostDump two = read_host(text(type("1", "fpu", "0xa0011d1") + "," + type("1", "fpu", "0xa001173")));
    CHECK_FALSE(two.meta.contains("microcode"));
    CHECK(two.notes.front().code == "cpus-differ");
    CHECK(contains(refusal(text(type("1", "fpu", "") + "," + type("2", "", "")), "f"),
                   R"("Flags:" of each type of CPU, as `LC_ALL=C lscpu --json` words it, found none)"));
    CHECK_FALSE(read_host(text(type("1", "fpu", ""))).meta.contains("microcode"));
    std::string other_family = type("1", "fpu", "");
    other_family.replace(other_family.find("\"25\""), 4, "\"23\"");
    CHECK(
        contains(refusal(text(type("1", "fpu", "") + "," + other_family), "f"),
                 "expected CPUs of one family and model, as a host has: family 25, model 1, found family 23, model 1"));
}

TEST_CASE("a flag of /proc/cpuinfo that a terminal has broken in two is none, and its halves are none", "[partial]") {
    const auto text = [](const std::string& flags) {
        return "processor : 0\nvendor_id : AuthenticAMD\ncpu family : 21\nmodel : 1\nstepping : 2\nflags : fpu " +
               flags + " lm\n";
    };
    const auto refusal = [&](const std::string& flags) {
        try {
            read_host(text(flags));
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(
        contains(refusal("fma\n4"),
                 ":7: expected flags in lines that are broken between two of them, or not at all, found \"fma\" above "
                 "\"4\""));
    CHECK(contains(refusal("clflush\nopt"), "found \"clflush\" above \"opt\""));
    CHECK(contains(refusal("sse4\na"), "found \"sse4\" above \"a\""));
    CHECK(refusal("fma\nfma4").empty());
    CHECK(refusal("of_a_newer_kernel\nfma4").empty());
}

TEST_CASE("what somebody writes around /proc/cpuinfo is none of it", "[partial]") {
    const std::string text = example("cpuinfo.txt");
    const std::string last_flags = text.substr(0, text.find('\n', text.rfind("flags")) + 1);
    const HostDump plain = read_host(text);
    CHECK(read_host("Subject: our host\nmodel: EPYC\nvendor : AMD\n\n" + text).hardware == plain.hardware);
    CHECK(read_host(last_flags + "\nThis host has no avx512f\n").hardware == plain.hardware);
    CHECK(read_host("```\n" + last_flags + "```\nThis host has no avx512f\n").hardware == plain.hardware);
    CHECK(read_host("Here: it is\n" + text.substr(text.find('\n') + 1)).hardware == plain.hardware);
}

TEST_CASE("a flag that may be cut off at the end of the text says nothing", "[partial]") {
    const std::string text = example("cpuinfo.txt");
    const std::string cut = text.substr(0, text.rfind(" avx2 ")) + " avx2";
    CHECK(bit_of(read_host(cut).hardware->cpus[1].cpuid, leaf_7, Register::ebx, avx2) == '?');
    CHECK(bit_of(read_host(cut + "\n").hardware->cpus[1].cpuid, leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(read_host(cut + "_\n").hardware->cpus[1].cpuid, leaf_7, Register::ebx, avx2) == '?');
}

// Each CPU does what its own microcode lets it: the order of the CPUs says nothing.
TEST_CASE("CPUs of different microcodes have none that one could go by", "[partial]") {
    const std::string text = example("cpuinfo.txt");
    const std::string older = replaced(text, "0xa0011d1", "0xa001173");
    const std::size_t second = text.rfind("0xa0011d1");
    for (const std::string& mixed : {older, std::string(text).replace(second, 9, "0xa001173")}) {
        const HostDump host = read_host(mixed);
        CHECK_FALSE(host.meta.contains("microcode"));
        REQUIRE(host.notes.size() == 2);
        CHECK(host.notes.front().code == "cpus-differ");
        CHECK_THAT(host.notes.front().message, Catch::Contains("0xa001173, 0xa0011d1"));
    }
    CHECK(read_host(replaced(older, "0xa0011d1", "0xa001173")).meta.at("microcode") == "0xa001173");
}

TEST_CASE("entries of lscpu without a name or a text say nothing", "[partial]") {
    const std::string plain = example("lscpu.json");
    const std::string odd = replaced(plain, R"({"field": "CPU family:")",
                                     R"({"field": "Model:"}, {"data": "x"}, {"field": 5, "data": "x"},
                                        {"field": "Stepping:", "data": 7}, {"field": "CPU family:")");
    CHECK(read_host(odd).first_table() == read_host(plain).first_table());
}

TEST_CASE("a TSC that a kernel knows by the model to be constant is not called invariant", "[partial]") {
    // Linux sets constant_tsc on Core 2, whose 80000007h is 0, and nonstop_tsc by the bit alone (intel.c,
    // early_init_intel).
    const std::string text = example("lscpu.json");
    CHECK(bit_of(read_host(replaced(text, " clwb", " clwb constant_tsc")).first_table(), {0x80000007, 0}, Register::edx,
                 8) == '?');
    CHECK(bit_of(read_host(replaced(text, " clwb", " clwb nonstop_tsc")).first_table(), {0x80000007, 0}, Register::edx,
                 8) == '1');
}

TEST_CASE("what a kernel makes itself says nothing of the CPU", "[partial]") {
    const std::string flags = replaced(example("lscpu.json"), " clwb", " clwb clzero ibpb_brtype ibpb stibp");
    const CpuidTable table = read_host(flags).first_table();
    CHECK(bit_of(table, {0x80000021, 0}, Register::eax, 28) == '?');  // IBPB_BRTYPE, which KVM synthesizes
    CHECK(bit_of(table, leaf_e8, Register::ebx, 12) == '?');          // "ibpb" is a word of the kernel's own
    CHECK(bit_of(table, leaf_e8, Register::ebx, 0) == '1');           // CLZERO
}

TEST_CASE("QEMU and libvirt say what is not there, too", "[partial]") {
    const HostDump qemu = read_host(example("qmp-model.json"));
    CHECK(qemu.hypervisor->name == "qemu");
    CHECK(bit_of(qemu.first_table(), leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(qemu.first_table(), leaf_7, Register::ebx, erms) == '0');
    CHECK(bit_of(qemu.first_table(), leaf_7, Register::ebx, clwb) == '?');
    const HostDump guests = read_host(example("libvirt-domcapabilities.xml"));
    CHECK(guests.hypervisor->name == "libvirt");
    CHECK(bit_of(guests.first_table(), leaf_7, Register::ebx, erms) == '0');
    CHECK(bit_of(guests.first_table(), leaf_7, Register::ecx, 9) == '1');  // VAES
    CHECK(bit_of(guests.first_table(), leaf_1, Register::eax, 0) == '?');
    const HostDump host = read_host(example("libvirt-capabilities.xml"));
    CHECK(host.hardware->cpus.front().cpuid.find(leaf_1)->eax == 0x00a00f11);
    CHECK(host.meta.at("microcode") == "0xa0011d1");
    CHECK(bit_of(host.first_table(), leaf_1, Register::edx, 0) == '1');           // FPU, of every CPU with x86_64
    CHECK(bit_of(host.first_table(), {0x80000001, 0}, Register::ecx, 2) == '1');  // SVM
    CHECK(bit_of(host.first_table(), leaf_7, Register::ebx, avx2) == '?');
}

// virCPUx86GetHost of libvirt's cpu_x86.c runs CPUID, where /proc/cpuinfo has words of the kernel's own.
TEST_CASE("what libvirt says of a host it has read in CPUID, be it what hypervisors also make", "[partial]") {
    const std::string xml = replaced(example("libvirt-capabilities.xml"), "<feature name='svm'/>",
                                     "<feature name='svm'/><feature name='ibpb'/><feature name='umip'/>");
    const CpuidTable table = read_host(xml).first_table();
    CHECK(bit_of(table, leaf_e8, Register::ebx, 12) == '1');
    CHECK(bit_of(table, leaf_7, Register::ecx, 2) == '1');
}

// target/i386 cpu_x86_cpuid, case 1: the constant 8.
TEST_CASE("QEMU's guests have lines of 64 bytes for CLFLUSH, though its answer does not say so", "[partial]") {
    const auto line_size = [](const std::string& text) { return read_host(text).first_table().find(leaf_1)->ebx; };
    CHECK(line_size(example("qmp-model.json")) == 0x800);
    CHECK(line_size(example("libvirt-domcapabilities.xml")) == 0x800);
    CHECK(line_size(replaced(example("libvirt-domcapabilities.xml"), "<domain>kvm<", "<domain>bhyve<")) == 0);
    // As `render` has it.
    const Field& size = builtin_rulebook()[builtin_rulebook().find("clflush_size")];
    const auto fixed = rulebook::qemu_data(builtin_rulebook()).fixed;
    CHECK(std::any_of(fixed.begin(), fixed.end(), [&](const rulebook::FixedBits& bits) {
        return bits.place.first() == size.place(0) && bits.value == 8U;
    }));
}

TEST_CASE("a list of flags that was cut within one does not end in the name of another", "[partial]") {
    const auto cpuinfo = [](const std::string& flags) {
        return read_host("vendor_id : AuthenticAMD\ncpu family : 25\nmodel : 1\nstepping : 1\nflags : " + flags + "\n");
    };
    const auto lscpu = [](const std::string& flags) {
        const auto entry = [](const std::string& field, const std::string& data) {
            return R"({"field": ")" + field + R"(", "data": ")" + data + R"("})";
        };
        return read_host(R"({"lscpu": [)" + entry("Vendor ID:", "AuthenticAMD") + "," + entry("CPU family:", "25") +
                         "," + entry("Model:", "1") + "," + entry("Stepping:", "1") + "," + entry("Flags:", flags) +
                         "]}");
    };
    constexpr LeafKey extended{0x80000001, 0};
    constexpr unsigned amd_3dnow = 31;  // 80000001h EDX
    constexpr unsigned sse = 25;        // leaf 1 EDX
    constexpr unsigned avx = 28;        // leaf 1 ECX
    const auto is_cut = [](const HostDump& host) {
        return std::any_of(host.notes.begin(), host.notes.end(),
                           [](const DumpNote& note) { return note.code == "truncated"; });
    };
    for (const auto& read : {+cpuinfo, +lscpu}) {
        const HostDump cut = read("fpu sse sse2 lm pni avx lahf_lm abm 3dnow");  // of 3dnowprefetch
        CHECK(bit_of(cut.first_table(), extended, Register::edx, amd_3dnow) == '?');
        CHECK(bit_of(cut.first_table(), leaf_1, Register::ecx, avx) == '1');
        CHECK(is_cut(cut));
        CHECK(bit_of(read("fpu lm pni abm fsgsbase avx").first_table(), leaf_1, Register::ecx, avx) == '?');  // of avx2
        CHECK(is_cut(read("fpu sse sse")));                                                                   // of sse2
        const HostDump whole = read("fpu sse");
        CHECK(bit_of(whole.first_table(), leaf_1, Register::edx, sse) == '1');
        CHECK_FALSE(is_cut(whole));
        CHECK_FALSE(is_cut(read("fpu lm 3dnow")));
        CHECK_FALSE(is_cut(read("fpu abm fsgsbase 3dnowprefetch")));  // begins no other
    }
}

TEST_CASE("a word of a Xen featureset is a register, whole", "[partial]") {
    const HostDump host = read_host(example("xe-featureset.txt"));
    CHECK(host.hypervisor->name == "xen");
    const CpuidTable& table = host.first_table();
    CHECK(table.find(leaf_1)->edx == 0x178bfbff);
    CHECK(table.find(leaf_7)->ebx == 0x219c07a9);
    CHECK(table.unknown_in(leaf_7, Register::ebx) == 0);
    CHECK(table.unknown_in(leaf_7, Register::eax) == ~std::uint32_t{0});
    CHECK(table.is_unknown({7, 1}));  // a word that this Xen does not have
}

TEST_CASE("the map of `xe host-param-list` says what `xe host-cpu-info` does", "[partial]") {
    std::string map;
    std::istringstream lines(example("xe-featureset.txt"));
    for (std::string line; std::getline(lines, line);) {
        line.erase(0, line.find_first_not_of(' '));
        map += (map.empty() ? "" : "; ") + line;
    }
    const HostDump plain = read_host(example("xe-featureset.txt"));
    for (const std::string& before : {std::string(), std::string("cpu_info (MRO): "),
                                      std::string("uuid ( RO) : 1\n name-label ( RW): xs-3\n   cpu_info (MRO): ")}) {
        const HostDump host = read_host(before + map + "\n");
        CHECK(host.format == "xe-featureset");
        CHECK(host.hypervisor == plain.hypervisor);
    }
    const std::string vendor_first = "vendor: AuthenticAMD; " + replaced(map, "vendor: AuthenticAMD; ", "");
    CHECK(read_host("cpu_info (MRO): " + vendor_first).hypervisor == plain.hypervisor);
    CHECK_THAT(refusal(map + "\n" + map + "\n", "f"),
               Catch::Contains("f:2: expected one host a text, which has one line \"vendor\""));
    CHECK_THAT(refusal(replaced(map, "vendor: AuthenticAMD; ", ""), "f"),
               Catch::Contains("f:1: expected a line \"vendor\", found none"));
}

TEST_CASE("of several answers of QEMU in a row the one with a model's properties counts", "[partial]") {
    const std::string answer = example("qmp-model.json");
    const HostDump alone = read_host(answer);
    const std::string greeting = "{\n \"QMP\": {}\n}\n{\n \"return\": {}\n}\n";
    const std::string definitions = "{\n \"return\": [{\"name\": \"max\"}],\n \"id\": \"definitions\"\n}\n";
    const HostDump host = read_host(greeting + answer + "\n" + definitions);
    CHECK(host.format == "qmp-model");
    CHECK(host.hypervisor == alone.hypervisor);
    CHECK_THAT(refusal(greeting + replaced(answer, "\"AuthenticAMD\"", "7"), "f"),
               Catch::Contains("f:8: expected a vendor of CPUs"));
    CHECK_THAT(refusal(greeting + answer + answer, "f"),
               Catch::Contains("expected one answer to query-cpu-model-expansion, the full one, found another after "
                               "that on line 7"));
    CHECK_THAT(refusal(answer + "{", "f"), Catch::Contains("expected well-formed JSON"));
}

TEST_CASE("of QEMU's models host and max are what the host can give, and a named model is not", "[partial]") {
    const std::string max = example("qmp-model.json");
    const auto with_name = [&](const std::string& name) { return replaced(max, "\"max\"", name); };
    CHECK(read_host(with_name("\"host\"")).hypervisor == read_host(max).hypervisor);
    const std::string remedy = "(ask for the expansion of type full of \"host\", or of \"max\" without KVM)";
    for (const char* named : {"\"Skylake-Server-v5\"", "\"qemu64\"", "\"hosts\"", "7"}) {
        CAPTURE(named);
        const std::string message = refusal(with_name(named), "f");
        CHECK_THAT(message, Catch::Contains("f:1: expected QEMU's model \"host\" or \"max\", found " +
                                            std::string(named) + ", which has"));
        CHECK_THAT(message, Catch::Contains(remedy));
    }
    CHECK_THAT(refusal(replaced(max, "\"name\": \"max\", ", ""), "f"),
               Catch::Contains("f:1: expected QEMU's model \"host\" or \"max\", found none"));
}

TEST_CASE("QEMU's model base may be any, but in the record that libvirt makes of a host", "[partial]") {
    const std::string max = example("qmp-model.json");
    const std::string base = replaced(max, "\"max\"", "\"base\"");
    CHECK_THAT(
        refusal(base, "f"),
        Catch::Contains("f:1: expected QEMU's model \"host\" or \"max\", found \"base\", as an expansion of type "
                        "static calls every model"));
    CHECK(read_host(replaced(base, "\"id\": 1", "\"id\": \"model-expansion\"")).hypervisor ==
          read_host(max).hypervisor);
}

TEST_CASE("what QEMU's monitor prints of a session is an answer a line", "[partial]") {
    std::string answer = example("qmp-model.json");
    std::replace(answer.begin(), answer.end(), '\n', ' ');
    const std::string greeting = "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 8}}}}\r\n{\"return\": {}}\r\n";
    const std::string end = "\r\n{\"timestamp\": {\"seconds\": 1}, \"event\": \"SHUTDOWN\"}\r\n{\"return\": {}}\r\n";
    const HostDump host = read_host(greeting + answer + end);
    CHECK(host.format == "qmp-model");
    CHECK(host.hypervisor == read_host(answer).hypervisor);
    CHECK_THAT(refusal(greeting + replaced(answer, "\"AuthenticAMD\"", "7") + end, "f"),
               Catch::Contains("f:3: expected a vendor of CPUs"));
    CHECK_THAT(refusal(greeting + answer + "\n" + answer + end, "f"),
               Catch::Contains("f:4: expected one answer to query-cpu-model-expansion"));
    const std::string error = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"CPU model 'x' not found\"}}";
    CHECK_THAT(refusal(greeting + error + end, "f"), Catch::Contains("an error of QEMU's monitor (QMP)"));
}

TEST_CASE("labels of a Kubernetes node say of some features that they are there, and nothing else", "[partial]") {
    const HostDump host = read_host(example("nfd.json"));
    CHECK(host.format == "nfd");
    const CpuidTable& table = host.first_table();
    CHECK(vendor_string(table) == "AuthenticAMD");
    CHECK(table.unknown_in(leaf_1, Register::eax) == ~std::uint32_t{0});  // no stepping, no signature
    CHECK(bit_of(table, leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(table, leaf_7, Register::ebx, 29) == '1');           // SHA
    CHECK(bit_of(table, leaf_7, Register::ebx, 16) == '?');           // AVX512F has no label
    CHECK(bit_of(table, leaf_1, Register::edx, 26) == '1');           // SSE2: the node is amd64
    CHECK(bit_of(table, leaf_1, Register::ecx, 0) == '?');            // SSE3 has none by default
    CHECK(bit_of(table, leaf_1, Register::ecx, 23) == '?');           // POPCNT may stand for another bit
    CHECK(bit_of(table, leaf_1, Register::ecx, 26) == '1');           // XSAVE, without which AVX is nothing
    CHECK(bit_of(table, leaf_1, Register::ecx, 27) == '?');           // OSXSAVE is the kernel's
    CHECK(bit_of(table, {0xd, 1}, Register::eax, 1) == '1');          // XSAVEC
    CHECK(bit_of(table, {0xd, 1}, Register::eax, 3) == '?');          // XSAVES
    CHECK(bit_of(table, {0x80000008, 0}, Register::ebx, 14) == '1');  // IBRS
    CHECK(bit_of(table, {0x80000008, 0}, Register::ebx, 12) == '?');  // IBPB may stand for another bit
    const std::string list = "{\"kind\": \"List\", \"items\": [" + example("nfd.json") + "]}";
    CHECK(read_host(list).hardware == host.hardware);
    // What long mode needs is there on amd64, and on nothing else.
    const HostDump other = read_host(replaced(example("nfd.json"), "\"amd64\"", "\"386\""));
    CHECK(bit_of(other.first_table(), leaf_1, Register::edx, 26) == '?');
    CHECK(bit_of(other.first_table(), leaf_7, Register::ebx, avx2) == '1');
}

TEST_CASE("the object of Node Feature Discovery's worker has its labels in its specification", "[partial]") {
    const std::string labels = R"({"feature.node.kubernetes.io/cpu-model.vendor_id": "AMD", )"
                               R"("feature.node.kubernetes.io/cpu-cpuid.AVX2": "true"})";
    const auto object = [&](const std::string& kind, const std::string& spec) {
        return R"({"kind": ")" + kind + R"(", "metadata": {"labels": {"nfd.node.kubernetes.io/node-name": "n"}}, )" +
               R"("spec": )" + spec + "}";
    };
    const HostDump host = read_host(object("NodeFeature", R"({"features": {}, "labels": )" + labels + "}"));
    CHECK(host.format == "nfd");
    CHECK(bit_of(host.first_table(), leaf_7, Register::ebx, avx2) == '1');
    CHECK_THAT(refusal(object("NodeFeature", R"({"label": )" + labels + "}")),
               Catch::Contains("expected an object \"labels\""));
    CHECK_THAT(refusal(object("Node", R"({"labels": )" + labels + "}")), Catch::Contains("expected the label"));
}

TEST_CASE("a host document says which bits are unknown, and reads back the same", "[partial]") {
    for (const char* name : {"cpuinfo.txt", "lscpu.json", "nfd.json", "qmp-model.json", "libvirt-capabilities.xml",
                             "libvirt-domcapabilities.xml", "xe-featureset.txt"}) {
        CAPTURE(name);
        const HostDump host = read_host(example(name));
        const HostDump back = read_host(to_host_json(host));
        CHECK(back.hardware == host.hardware);
        CHECK(back.hypervisor == host.hypervisor);
        CHECK(back.notes == host.notes);
    }
}

TEST_CASE("unknown bits that contradict their rows are refused", "[partial]") {
    const std::string document = to_host_json(read_host(example("qmp-model.json")));
    const auto changed = [&](auto change) {
        auto json = nlohmann::ordered_json::parse(document);
        change(json["views"]["hypervisor"]);
        return refusal(json.dump(1), "f");
    };
    using Json = nlohmann::ordered_json;
    CHECK_THAT(changed([](Json& view) { view["unknown_bits"][0]["leaf"] = "0x77"; }),
               Catch::Contains("unknown bits of a row that is listed"));
    CHECK_THAT(changed([](Json& view) { view["unknown_bits"].push_back(view["unknown_bits"][0]); }),
               Catch::Contains("each row of unknown bits once"));
    CHECK_THAT(changed([](Json& view) { view["cpuid"][0]["eax"] = "0x1"; }),
               Catch::Contains("no bit that is both set and unknown, found leaf 0x0 subleaf 0x0 eax"));
    CHECK_THAT(changed([](Json& view) {
                   for (const char* reg : {"eax", "ebx", "ecx", "edx"}) view["unknown_bits"][0][reg] = "0x0";
               }),
               Catch::Contains("unknown bits in leaf"));
}

TEST_CASE("what looks like a source of names and is not whole is refused with its line", "[partial]") {
    struct Text {
        std::string bytes;
        const char* message;
    };
    const std::string cpuinfo = example("cpuinfo.txt");
    const std::string lscpu = example("lscpu.json");
    const std::string nfd = example("nfd.json");
    const std::string qmp = example("qmp-model.json");
    const std::string host = example("libvirt-capabilities.xml");
    const std::string guests = example("libvirt-domcapabilities.xml");
    const std::string xe = example("xe-featureset.txt");
    const std::vector<Text> texts{
        {replaced(cpuinfo, "AuthenticAMD", "GenuineZilog"),
         R"(f:2: expected a vendor of CPUs with CPUID as vendor_id, found "GenuineZilog")"},
        {replaced(cpuinfo, "family\t: 25", "family\t: six"), R"(f:3: expected a number as "cpu family", found "six")"},
        {replaced(cpuinfo, "family\t: 25", "family\t: 600"), "f:3: expected family, model and stepping"},
        {replaced(cpuinfo, "stepping\t: 1\n", ""), R"(f:1: expected a line "stepping", found none)"},
        {cpuinfo.substr(0, cpuinfo.rfind("model\t")) + "model\t\t: 2\nstepping\t: 1\nflags\t\t: fpu\n",
         "f:13: expected"},
        {cpuinfo + "\n" + cpuinfo,
         "expected each logical CPU of one host once, found another CPU 0, after that of line 1"},
        {replaced(lscpu, "Vendor ID:", "Maker:"),
         R"(f:1: expected "Vendor ID:", as `LC_ALL=C lscpu --json` words it, found none)"},
        {replaced(lscpu, "\"Model:\", \"data\": \"1\"", "\"Model:\", \"data\": \"x\""),
         R"(expected a number as "Model:")"},
        {"{\"lscpu\": 5}", R"(f:1: expected an array "lscpu")"},
        {replaced(cpuinfo, "flags\t\t: fpu", "power\t\t: fpu"),
         R"(f:2: expected the flags of processor 0, found no line "flags")"},
        {cpuinfo.substr(0, cpuinfo.rfind("flags")) + "flags\t\t:\n",
         "expected the flags of processor 1, found none in that line"},
        {replaced(nfd, "\"AMD\"", "\"Zilog\""),
         R"(expected Intel, AMD or Hygon as the vendor of an x86 CPU, found "Zilog")"},
        {replaced(nfd, "vendor_id", "vendor"),
         "expected the label feature.node.kubernetes.io/cpu-model.vendor_id, found none"},
        {replaced(nfd, "\"labels\"", "\"annotations\""), R"(expected an object "labels", as a node has, found none)"},
        {"{\"items\": [" + nfd + "," + nfd + "]}",
         "expected one node, as `kubectl get node NAME -o json` prints it, found a list of 2"},
        {replaced(qmp, "\"AuthenticAMD\"", "7"), "f:2: expected a vendor of CPUs"},
        {replaced(qmp, "\"model\": {", "\"models\": {"), R"(f:1: expected an object "model")"},
        {replaced(host, "<vendor>AMD", "<vendor>Zilog"), R"(expected a vendor of CPUs with CPUID as <vendor>)"},
        {replaced(host, "</capabilities>", ""), "expected well-formed XML"},
        {replaced(host, "<host>", "<guest>").replace(host.find("</host>") + 2, 7, "/guest>"),
         "expected <host> with <cpu>"},
        {replaced(guests, "host-model' supported='yes'", "host-model' supported='no'"), "the CPU mode host-model"},
        {replaced(xe, "hvm: 178bfbff-f6f83203-", "hvm: 178bfbff-f6f8320-"),
         "f:11: expected words of 8 hexadecimal digits"},
        {replaced(xe, "hvm: 178bfbff-f6f83203-", "hvm: 10000000-00200000-"),
         "f:11: expected the words of a Xen that runs HVM guests, found no FPU in them"},
        {replaced(xe, "family: 25", "family: ?"), R"(f:6: expected a number as "family")"},
        {xe + "\n" + xe,
         R"(expected one host a text, which has one line "vendor", found another after that on line 3)"},
        {xe + xe.substr(xe.find("features_hvm:")), R"(one line "features_hvm", found another after that on line 11)"},
        {host + host, "expected the end of the text after </capabilities>, found more"},
        {guests + guests, "expected the end of the text after </domainCapabilities>, found more"},
    };
    for (const Text& text : texts) {
        CAPTURE(text.bytes);
        CHECK_THAT(refusal(text.bytes, "f"), Catch::Contains(text.message));
    }
}

TEST_CASE("a real answer of QEMU and a real host of XenServer are read", "[partial][corpus]") {
    const std::string answers = read_file(dump_directory() / "reject/x86_64-cpuid-EPYC-7502-32-Core.json");
    const HostDump epyc = read_host(answers.substr(0, answers.find("\n\n{")));
    CHECK(epyc.format == "qmp-model");
    CHECK(vendor_string(epyc.first_table()) == "AuthenticAMD");
    CHECK(epyc.first_table().find(leaf_1)->eax == 0x00830F10);  // Rome
    CHECK(bit_of(epyc.first_table(), leaf_7, Register::ebx, avx2) == '1');
    CHECK(bit_of(epyc.first_table(), leaf_7, Register::ebx, 16) == '0');  // AVX512F
    const HostDump lynnfield = read_host(read_file(dump_directory() / "../cases/xe-host-cpu-info.txt"));
    CHECK(lynnfield.format == "xe-featureset");
    CHECK(lynnfield.first_table().find(leaf_1)->eax == 0x000106E5);
    CHECK(lynnfield.first_table().find(leaf_1)->ecx == 0x80bc2201);
}

// The words by which a project names what a table has, as its source would print them.
std::string names_in(const CpuidTable& table, Text FieldNames::*project) {
    std::string text;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.is_msr || field.low != field.high || (field.names.*project).empty()) continue;
        const Registers* row = table.find({field.leaf, field.subleaf_first});
        if (row != nullptr && ((*row)[field.reg] & field.mask()) != 0) (text += ' ') += field.names.*project;
    }
    return text;
}

TEST_CASE("a real host that is known by its names promises no more than by its registers", "[partial][corpus]") {
    const Rulebook& rulebook = builtin_rulebook();
    std::size_t tried = 0;
    for (const HostDump& host : real_hosts()) {
        const auto vendor = vendor_string(host.first_table());
        const Registers* row = host.first_table().find(leaf_1);
        if (!host.hardware || !vendor || !rulebook.vendor_of(*vendor) || host.hardware->cpus.size() != 1) continue;
        const Signature signature = signature_of(row->eax);
        const HostDump named = read_host(
            "processor\t: 0\nvendor_id\t: " + *vendor + "\ncpu family\t: " + std::to_string(signature.family) +
            "\nmodel\t\t: " + std::to_string(signature.model) + "\nstepping\t: " + std::to_string(signature.stepping) +
            "\nflags\t\t:" + names_in(host.first_table(), &FieldNames::kernel) + "\n");
        CAPTURE(host.name);
        // Bit by bit: what is known is as in the registers.
        const CpuidTable& table = named.first_table();
        for (const CpuidRow& known : table.rows) {
            if (known.key == leaf_1 || known.key.leaf == 0) continue;
            const Registers* full = host.first_table().find(known.key);
            for (const Register reg : all_registers) {
                const std::uint32_t bits = ~table.unknown_in(known.key, reg);
                CHECK((known.value[reg] & bits) == ((full == nullptr ? 0 : (*full)[reg]) & bits));
            }
        }
        // And promise by promise.
        HostDump whole = host;
        whole.hypervisor.reset();
        const promises::VendorRules rules(rulebook, *rulebook.vendor_of(*vendor));
        const promises::HostPromises less = promises::promises_of(rules, named);
        const promises::HostPromises more = promises::promises_of(rules, whole);
        for (std::size_t w = 0; w < less.atoms.words.size(); ++w) {
            const std::uint64_t by_model = less.modelled[w] | less.by_microcode[w];
            CHECK((less.atoms.words[w] & ~more.atoms.words[w] & ~by_model) == 0);
        }
        ++tried;
    }
    CHECK(tried > 40);
}

// kernel/cpu/proc.c: x86_clflush_size, which common.c makes of CPUID 1 EBX[15:8] times 8.
TEST_CASE("the line size of CLFLUSH that /proc/cpuinfo states is one of CPUID", "[partial]") {
    const auto of = [](const std::string& line) {
        const HostDump host = read_host(
            "processor : 0\nvendor_id : AuthenticAMD\ncpu family : 23\nmodel : 49\nstepping : 0\n"
            "flags : fpu clflush\n" +
            line);
        const CpuidTable& table = host.first_table();
        return std::pair(table.find(leaf_1)->ebx, table.unknown_in(leaf_1, Register::ebx));
    };
    CHECK(of("clflush size\t: 64\n") == std::pair(0x800U, 0xFFFF00FFU));
    for (const char* other : {"", "clflush size\t: 0\n", "clflush size\t: 12\n", "clflush size\t: 65536\n"}) {
        CAPTURE(other);
        CHECK(of(other) == std::pair(0U, 0xFFFFFFFFU));
    }
}

}  // namespace poolcpuid::test::partial_hosts_test
