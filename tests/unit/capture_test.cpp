// Capturing this machine: what can be read is what CPUID says on each CPU, what cannot is named and left out.
// The kernel's files are real, or a temporary directory where a test needs them to be different. No test needs the
// devices of KVM, of the msr or of the cpuid driver, or minds whether they are there.

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "capture/enumerate.hpp"
#include "capture/hardware_cpus.hpp"
#include "os/pinning.hpp"
#include "poolcpuid/capture.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::capture_test {

namespace fs = std::filesystem;
using Catch::Contains;

namespace {

// Kernel files of which none is there but those that a test writes. The CPUs that are online are real.
class FakeKernel {
public:
    FakeKernel() { online("0"); }

    void online(const std::string& list) const { dir_.write("sys/devices/system/cpu/online", list + "\n"); }
    std::string write(const std::string& name, const std::string& bytes) const { return dir_.write(name, bytes); }
    std::string path(const std::string& name) const { return dir_.file(name); }

    // Makes name a link to a real file.
    void link(const std::string& name, const std::string& target) const {
        fs::create_directories(fs::path(dir_.file(name)).parent_path());
        fs::create_symlink(target, dir_.file(name));
    }

    // A file that answers as /dev/cpu/N/cpuid of a CPU that has leaf 0 alone: all else is a hole, which reads as zeros.
    void cpuid_device(unsigned cpu) const {
        using namespace std::string_literals;
        const std::string path = write("dev/cpu/" + std::to_string(cpu) + "/cpuid", "\0\0\0\0GenuntelineI"s);
        fs::resize_file(path, std::uintmax_t{1} << 32U);
    }

    // The same for /dev/cpu/N/msr: 8 bytes at each index, which must not overlap.
    void msr_device(unsigned cpu, const std::map<std::uint32_t, std::uint64_t>& values) const {
        std::string bytes(0x200, '\0');
        for (const auto& [index, value] : values) {
            for (unsigned i = 0; i < 8; ++i) bytes.at(index + i) = static_cast<char>(value >> (8 * i) & 0xFFU);
        }
        write("dev/cpu/" + std::to_string(cpu) + "/msr", bytes);
    }

    CaptureResult capture(const std::string& name = "node") const {
        CaptureOptions options;
        options.name = name;
        options.sources = {dir_.file("dev"), dir_.file("proc"), dir_.file("sys")};
        return capture_host(builtin_rulebook(), options);
    }

private:
    TemporaryDirectory dir_;
};

std::string joined(const std::vector<NotSeen>& things) {
    std::string all;
    for (const NotSeen& thing : things) all += thing.sentence + "\n";
    return all;
}

CaptureResult capture_here() { return capture_host(builtin_rulebook(), {"node", {}}); }

Registers cpuid_here(std::uint32_t leaf, std::uint32_t subleaf) {
    Registers value{leaf, 0, subleaf, 0};
    __asm__ volatile("cpuid" : "+a"(value.eax), "=b"(value.ebx), "+c"(value.ecx), "=d"(value.edx));
    return value;
}

// Runs body on one CPU; not at all where that is not allowed.
template <typename Body>
void on_cpu(std::uint32_t cpu, const Body& body) {
    cpu_set_t before;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return;
    body();
    ::sched_setaffinity(0, sizeof before, &before);
}

}  // namespace

TEST_CASE("lists of CPUs are read as Linux writes them", "[capture]") {
    using capture::parse_cpu_list;
    using Cpus = std::vector<std::uint32_t>;
    CHECK(parse_cpu_list("0\n") == Cpus{0});
    CHECK(parse_cpu_list("0-3,8") == Cpus{0, 1, 2, 3, 8});
    CHECK(parse_cpu_list("8,0-1,1") == Cpus{0, 1, 8});
    for (const char* wrong : {"", "\n", "3-1", "a", "0,", "-1", "1-", "0-4294967295", "4294967296", "0 1"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_cpu_list(wrong));
    }
    CHECK(capture::cpu_list_text({0, 1, 2, 4, 6, 7}) == "0-2,4,6-7");
}

TEST_CASE("the rows of each CPU are what CPUID returns on it", "[capture]") {
    const CaptureResult result = capture_here();
    REQUIRE(result.host.hardware);
    CHECK_FALSE(result.host.hardware->cpus.empty());
    std::size_t compared = 0;
    for (const LogicalCpu& cpu : result.host.hardware->cpus) {
        if (cpu.number >= CPU_SETSIZE) continue;
        on_cpu(cpu.number, [&] {
            for (const CpuidRow& row : cpu.cpuid.rows) {
                INFO("CPU " << cpu.number << " leaf " << std::hex << row.key.leaf << "." << row.key.subleaf);
                CHECK(row.value == cpuid_here(row.key.leaf, row.key.subleaf));
                ++compared;
            }
        });
        const std::uint32_t last = cpuid_here(0, 0).eax;
        for (std::uint32_t leaf = 0; leaf <= last; ++leaf) CHECK(cpu.cpuid.find({leaf, 0}) != nullptr);
        CHECK(cpu.cpuid.unknown.empty());
    }
    CHECK(compared > 0);
}

TEST_CASE("the thread may run afterwards where it might before", "[capture]") {
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 2 || count > CPU_SETSIZE) {
        WARN("skipped: a machine with one CPU, or with very many");
        return;
    }
    const auto last = static_cast<std::uint32_t>(count - 1);  // capture ends on the first
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    on_cpu(last, [&] {
        capture_here();
        cpu_set_t after;
        REQUIRE(::sched_getaffinity(0, sizeof after, &after) == 0);
        CHECK(CPU_EQUAL(&one, &after));
    });
}

TEST_CASE("a captured host is the document that is read back", "[capture]") {
    const CaptureResult result = capture_here();
    const std::string text = to_host_json(result.host);
    const HostDump again = read_hosts(text, "node.json").front();
    CHECK(again.name == "node");
    CHECK(again.sha256 == result.host.sha256);
    CHECK(again.hardware == result.host.hardware);
    CHECK(again.hypervisor == result.host.hypervisor);
    CHECK(again.meta == result.host.meta);
    CHECK(again.notes == result.host.notes);
    CHECK(to_host_json(capture_here().host) == text);
}

TEST_CASE("without /dev/kvm the hardware view is there and the reason is told", "[capture]") {
    const FakeKernel kernel;
    SECTION("no device") {
        const CaptureResult result = kernel.capture();
        CHECK_FALSE(result.host.hypervisor);
        CHECK(result.host.hardware->cpus.size() == 1);
        CHECK_THAT(joined(result.not_seen), Contains("No hypervisor view: " + kernel.path("dev/kvm")) &&
                                                Contains("No such file") && Contains("Load kvm_intel or kvm_amd"));
    }
    SECTION("something else") {
        kernel.write("dev/kvm", "x");
        const CaptureResult result = kernel.capture();
        CHECK_FALSE(result.host.hypervisor);
        CHECK_THAT(joined(result.not_seen), Contains("is not KVM"));
    }
}

TEST_CASE("a CPU on which the program may not run is read through its device", "[capture]") {
    const FakeKernel kernel;
    kernel.online("0,8191");
    kernel.cpuid_device(8191);
    const CaptureResult result = kernel.capture();
    REQUIRE(result.host.hardware->cpus.size() == 2);
    CHECK(result.host.hardware->cpus[1].number == 8191);
    const CpuidTable& cpuid = result.host.hardware->cpus[1].cpuid;
    CHECK(cpuid.rows == std::vector<CpuidRow>{{{0, 0}, {0, 0x756E6547, 0x6C65746E, 0x49656E69}}});
    CHECK(cpuid.unknown.empty());
    CHECK_FALSE(result.host.meta.contains("cpus_not_read"));
}

TEST_CASE("the device of a CPU is read at the leaf, with the subleaf in the upper half of the position", "[capture]") {
    const TemporaryDirectory dir;
    const std::string path = dir.write("cpuid", "");
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((std::streamoff{0x2} << 32U) + 0x8000001D);
    file << "\x01\x02\x03\x04"
         << "EBX "
         << "ECX "
         << "EDX ";
    file.close();
    const auto device = capture::open_cpuid_device(path);
    REQUIRE(device);
    CHECK((*device)(0x8000001D, 2) == Registers{0x04030201, 0x20584245, 0x20584345, 0x20584445});
    CHECK((*device)(0x8000001D, 1) == Registers{});
    CHECK_THROWS_WITH((*device)(0x8000001D, 3), Contains(path) && Contains("ends too early"));
    CHECK_FALSE(capture::open_cpuid_device(dir.file("none")));
}

TEST_CASE("a CPU that cannot be read is left out and named", "[capture]") {
    const FakeKernel kernel;
    kernel.online("0,8190-8191");
    kernel.write("dev/cpu/8191/cpuid", "no CPUID in here");
    const CaptureResult result = kernel.capture();
    CHECK(result.host.hardware->cpus.size() == 1);
    CHECK(result.host.meta.at("cpus_not_read") == "8190-8191");
    CHECK_THAT(joined(result.not_seen), Contains("Left out logical CPU 8190-8191") && Contains("may not run there"));
}

TEST_CASE("a machine on which no CPU can be read is an error", "[capture]") {
    const FakeKernel kernel;
    kernel.online("8191");
    CHECK_THROWS_WITH(kernel.capture(), Contains("no logical CPU can be read") && Contains("8191"));
    CHECK_THROWS_AS(kernel.capture(), SystemError);
}

TEST_CASE("without the list of CPUs those are read on which the program may run", "[capture]") {
    const FakeKernel kernel;
    kernel.online("nonsense");
    const CaptureResult result = kernel.capture();
    CHECK(result.host.hardware->cpus.size() == os::Pinning().allowed().size());
    CHECK_THAT(joined(result.not_seen), Contains("cpu/online cannot be read"));
    CHECK(result.host.meta.at("missing") == "cpus,kvm,microcode,msrs");
}

TEST_CASE("without an MSR device nothing is known of MSRs", "[capture]") {
    const FakeKernel kernel;
    const CaptureResult result = kernel.capture();
    CHECK_FALSE(result.host.hardware->msrs);
    CHECK_THAT(joined(result.not_seen), Contains("No MSRs in the hardware view") && Contains("kernel module msr"));
}

TEST_CASE("MSRs are those that the rulebook promises something of", "[capture]") {
    const std::vector<std::uint32_t> msrs = feature_msrs(builtin_rulebook());
    CHECK(std::adjacent_find(msrs.begin(), msrs.end(), std::greater_equal<>()) == msrs.end());
    for (const std::uint32_t index : {0x8BU, 0x10AU, 0x480U})
        CHECK(std::binary_search(msrs.begin(), msrs.end(), index));
    std::set<std::uint32_t> promised;
    for (const Field& field : builtin_rulebook().fields) {
        if (field.is_msr && field.rule != Rule::hide && field.rule != Rule::owned) promised.insert(field.leaf);
    }
    CHECK(std::vector<std::uint32_t>(promised.begin(), promised.end()) == msrs);
}

TEST_CASE("MSRs that read the same on all CPUs are facts of the host", "[capture]") {
    const FakeKernel kernel;
    kernel.online("0,8191");
    kernel.cpuid_device(8191);
    kernel.msr_device(0, {{0x8B, 0x0A0011D100000000}, {0x10A, 0x2B}});
    SECTION("and the others are left out and named") {
        kernel.msr_device(8191, {{0x8B, 0x0A0011CE00000000}, {0x10A, 0x2B}});
        const CaptureResult result = kernel.capture();
        REQUIRE(result.host.hardware->msrs);
        REQUIRE(find_msr(*result.host.hardware->msrs, 0x10A) != nullptr);
        CHECK(find_msr(*result.host.hardware->msrs, 0x10A)->value == 0x2B);
        CHECK(find_msr(*result.host.hardware->msrs, 0x8B) == nullptr);
        CHECK_THAT(joined(result.not_seen), Contains("differ between logical CPUs, left out: 0x8b."));
        CHECK(result.host.meta.at("missing") == "kvm,microcode,some-msrs");
    }
    SECTION("as far as the devices open") {
        const CaptureResult result = kernel.capture();
        REQUIRE(find_msr(*result.host.hardware->msrs, 0x8B) != nullptr);
        CHECK(find_msr(*result.host.hardware->msrs, 0x8B)->value == 0x0A0011D100000000);
        CHECK_THAT(joined(result.not_seen), Contains("No MSRs of logical CPU 8191"));
    }
    // The file ends before it.
    const CaptureResult result = kernel.capture();
    CHECK(find_msr(*result.host.hardware->msrs, 0x480) == nullptr);
    CHECK_THAT(joined(result.not_seen), Contains("does not read, left out: ") && Contains("0x480"));
}

TEST_CASE("an MSR on which RDMSR faults is recorded as faulting", "[capture]") {
    const FakeKernel kernel;
    kernel.link("dev/cpu/0/msr", "/proc/self/mem");  // nothing is mapped at these addresses: EIO, as for a fault
    const CaptureResult result = kernel.capture();
    REQUIRE(result.host.hardware->msrs);
    REQUIRE(find_msr(*result.host.hardware->msrs, 0x10A) != nullptr);
    CHECK_FALSE(find_msr(*result.host.hardware->msrs, 0x10A)->value);
    CHECK_THAT(to_host_json(result.host), Contains("\"fault\": true"));
}

TEST_CASE("the microcode is that of all CPUs or of none", "[capture]") {
    const FakeKernel kernel;
    SECTION("equal") {
        kernel.write("proc/cpuinfo",
                     "processor\t: 0\nmicrocode\t: 0xa0011d1\n\nprocessor\t: 1\nmicrocode\t: 0xa0011d1\n");
        CHECK(kernel.capture().host.meta.at("microcode") == "0xa0011d1");
    }
    SECTION("different") {
        kernel.write("proc/cpuinfo", "microcode\t: 0xa0011d1\n\nmicrocode\t: 0xa0011ce\n");
        const CaptureResult result = kernel.capture();
        CHECK_FALSE(result.host.meta.contains("microcode"));
        CHECK_THAT(joined(result.not_seen), Contains("0xa0011ce, 0xa0011d1"));
    }
    SECTION("unknown") { CHECK_THAT(joined(kernel.capture().not_seen), Contains("No microcode version")); }
}

TEST_CASE("KVM's modules and their parameters are described", "[capture]") {
    const FakeKernel kernel;
    kernel.write("sys/module/kvm/parameters/ignore_msrs", "N\n");
    kernel.write("sys/module/kvm_amd/parameters/nested", "1\n");
    kernel.write("sys/module/kvm_amd/parameters/odd", "a\nb\n");  // no value that a document takes
    kernel.write("sys/module/loop/parameters/max_loop", "8\n");
    const std::map<std::string, std::string> meta = kernel.capture().host.meta;
    CHECK(meta.at("kvm_module") == "kvm_amd");
    CHECK(meta.at("kvm.ignore_msrs") == "N");
    CHECK(meta.at("kvm_amd.nested") == "1");
    CHECK(meta.contains("kernel"));
    CHECK(meta.at("missing") == "kvm,microcode,msrs");
    CHECK(meta.size() == 5);
}

TEST_CASE("a parameter of KVM that may not be read is named", "[capture]") {
    const FakeKernel kernel;
    kernel.write("sys/module/kvm_amd/parameters/nested", "1\n");
    kernel.link("sys/module/kvm_amd/parameters/secret", "/no/such/file");
    const CaptureResult result = kernel.capture();
    CHECK(result.host.meta.at("kvm_amd.nested") == "1");
    CHECK_FALSE(result.host.meta.contains("kvm_amd.secret"));
    CHECK_THAT(joined(result.not_seen), Contains("cannot be read: kvm_amd.secret."));
    CHECK(result.host.meta.at("missing") == "kvm,kvm-parameters,microcode,msrs");
}

TEST_CASE("a host has this machine's name, or the one that is given if it is one", "[capture]") {
    const FakeKernel kernel;
    CHECK(kernel.capture("node-17").host.name == "node-17");
    CHECK_FALSE(kernel.capture("").host.name.empty());
    CHECK_THROWS_AS(kernel.capture("a\nb"), UsageError);
}

}  // namespace poolcpuid::test::capture_test
