// Two dumps in one text are two hosts, in each format: refused with the line where the second begins.

#include <string>

#include "poolcpuid/write_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::one_machine_test {

namespace {

// Leaf 1 of Skylake-SP, of a later stepping of it, of Ice Lake-SP, and of AMD's Genoa.
constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t cascade_lake = 0x00050657;
constexpr std::uint32_t ice_lake = 0x000606A6;
constexpr std::uint32_t genoa = 0x00A10F11;

std::string hex(std::uint32_t value) {
    std::string text = hex8(value);
    for (char& c : text) c = c >= 'A' ? static_cast<char>(c + 32) : c;
    return text;
}

std::string cpuid_r_row(std::uint32_t leaf, const Registers& value) {
    return "   0x" + hex(leaf) + " 0x00: eax=0x" + hex(value.eax) + " ebx=0x" + hex(value.ebx) + " ecx=0x" +
           hex(value.ecx) + " edx=0x" + hex(value.edx) + "\n";
}

// Two rows, as `cpuid -r` prints them.
std::string cpuid_r(std::uint32_t signature) {
    return cpuid_r_row(0, intel_signature(1)) + cpuid_r_row(1, {signature, 0, 0, 0});
}

// Two rows, as InstLatx64 has them.
std::string instlatx64(std::uint32_t signature) { return aida(0, intel_signature(1)) + aida(1, {signature, 0, 0, 0}); }

std::string libcpuid(std::uint32_t number) {
    return "_________________ Logical CPU #" + std::to_string(number) +
           " _________________\n"
           "basic_cpuid[0]=00000001 756e6547 6c65746e 49656e69\n"
           "basic_cpuid[1]=00050654 00000800 00000001 00000010\n";
}

std::size_t cpus(const std::string& text) { return read_host(text).hardware->cpus.size(); }

}  // namespace

TEST_CASE("a CPU number that comes again begins another dump of cpuid -r", "[one_machine]") {
    const std::string host = "CPU 0:\n" + cpuid_r(skylake) + "CPU 1:\n" + cpuid_r(skylake);
    CHECK(cpus(host) == 2);
    CHECK(refusal(host + "\ncpuid.after\n\n" + host, "two.txt") ==
          "two.txt:10: expected each logical CPU of one host once, found another CPU 0, after that of line 1 (two "
          "dumps in one text are two hosts, which need a file each)");
}

TEST_CASE("the dump of one CPU, by cpuid -1 -r, is alone", "[one_machine]") {
    const std::string one = "CPU:\n" + cpuid_r(skylake);
    const std::string numbered = "CPU 3:\n" + cpuid_r(skylake);
    CHECK(contains(refusal(one + one), "host.json:4: expected each logical CPU of one host once"));
    CHECK(contains(refusal(one + numbered), "host.json:4: expected each logical CPU of one host once"));
    CHECK(contains(refusal(numbered + one), "host.json:4: expected each logical CPU of one host once"));
}

TEST_CASE("CPUs with a heading and others without are not of one dump", "[one_machine]") {
    const std::string plain = cpuid_r(skylake);
    CHECK(refusal("CPU:\n" + plain + plain, "two.txt") ==
          "two.txt:4: expected a heading above each CPU, or above none, found a CPU without one below others that have "
          "it (two dumps in one text are two hosts, which need a file each)");
    CHECK(contains(refusal("CPU 0:\n" + plain + "CPU 1:\n" + plain + plain), "host.json:7: expected a heading"));
    CHECK(contains(refusal(plain + "CPU:\n" + plain),
                   "host.json:3: expected a heading above each CPU, or above none, "
                   "found one below CPUs without it"));
    CHECK(contains(refusal(plain + "CPU 0:\n" + plain), "host.json:3: expected a heading"));
    CHECK(contains(refusal(plain + plain + "CPU 2:\n" + plain), "host.json:5: expected a heading"));
    // That of another model is told first: nothing is missing there.
    CHECK(contains(refusal("CPU 0:\n" + plain + cpuid_r(ice_lake)), "expected CPUs of one family and model"));
    // The heading of the first alone is easily missed by who copies the text.
    CHECK(cpus(plain + "CPU 1:\n" + plain + "CPU 2:\n" + plain) == 3);
}

TEST_CASE("CPUs with a heading and others without are not of one dump in any format", "[one_machine]") {
    struct Headings {
        std::string plain;
        std::string first;
        std::string second;
    };
    const std::string x86info =
        "eax in: 0x00000000, eax = 00000001 ebx = 756e6547 ecx = 6c65746e edx = 49656e69\n"
        "eax in: 0x00000001, eax = 00050654 ebx = 00100800 ecx = 00000001 edx = 00000010\n";
    const auto [plain, first, second] = GENERATE_COPY(values<Headings>({
        {instlatx64(skylake), "------[ Logical CPU #0 ]------\n", "------[ Logical CPU #1 ]------\n"},
        {instlatx64(skylake), "------[ CPUID Registers / Logical CPU #0 ]------\n",
         "------[ CPUID Registers / Logical CPU #1 ]------\n"},
        {instlatx64(skylake), "CPUID Registers (CPU #1):\n", "CPUID Registers (CPU #2 Virtual):\n"},
        {instlatx64(skylake), "CPU#000 AffMask: 0x1\n", "CPU#001 AffMask: 0x2\n"},
        {x86info, "CPU #1\n", "CPU #2\n"},
    }));
    CAPTURE(first);
    CHECK(cpus(first + plain + second + plain) == 2);
    CHECK(cpus(plain + second + plain) == 2);
    CHECK(contains(refusal(plain + first + plain), "expected a heading above each CPU, or above none"));
    CHECK(contains(refusal(plain + plain + second + plain), "expected a heading above each CPU, or above none"));
    CHECK(contains(refusal(first + plain + plain), "expected a heading above each CPU, or above none"));
    CHECK(contains(refusal(first + plain + second + plain + plain), "expected a heading above each CPU"));
    const std::string group = "Group: 0x00 Affinity mask: 0x1\n";
    CHECK(contains(refusal(group + instlatx64(skylake) + instlatx64(skylake)), "expected a heading above each CPU"));
}

TEST_CASE("headers without rows are no CPUs that could come again", "[one_machine]") {
    CHECK(cpus("CPU 0:\nCPU 0:\n" + cpuid_r(skylake)) == 1);
}

TEST_CASE("a CPU number that comes again begins another InstLatx64 dump", "[one_machine]") {
    const std::string header =
        GENERATE("------[ Logical CPU #0 ]------\n", "------[ CPUID Registers / Logical CPU #0 ]------\n",
                 "CPUID Registers (CPU #1):\n", "CPU#000 AffMask: 0x0000000000000001 \n",
                 "Group: 0x00 Affinity mask: 0x1\n", "CPU 0:\n");
    CAPTURE(header);
    CHECK(contains(refusal(header + instlatx64(skylake) + "\n" + header + instlatx64(skylake)),
                   "host.json:5: expected each logical CPU of one host once, found another CPU"));
}

TEST_CASE("two spellings of one number are one number", "[one_machine]") {
    CHECK(contains(refusal("------[ Logical CPU #0 ]------\n" + instlatx64(skylake) +
                           "------[ CPUID Registers / Logical CPU #0 ]------\n" + instlatx64(skylake)),
                   "host.json:4: "));
    CHECK(contains(refusal("CPU#000 AffMask: 0x1\n" + instlatx64(skylake) + "------[ Logical CPU #0 ]------\n" +
                           instlatx64(skylake)),
                   "host.json:4: "));
}

TEST_CASE("tools that number all CPUs alike tell them by their masks", "[one_machine]") {
    CHECK(cpus("CPU#000 AffMask: 0x1\n" + instlatx64(skylake) + "CPU#000 AffMask: 0x2\n" + instlatx64(skylake)) == 2);
}

TEST_CASE("a CPU number that comes again begins another dump of libcpuid", "[one_machine]") {
    CHECK(cpus(libcpuid(0) + libcpuid(1)) == 2);
    CHECK(
        contains(refusal(libcpuid(0) + libcpuid(1) + libcpuid(0)),
                 "host.json:7: expected each logical CPU of one host once, found another CPU 0, after that of line 1"));
}

TEST_CASE("a CPU of another model begins another dump, whatever its number", "[one_machine]") {
    CHECK(refusal("CPU 0:\n" + cpuid_r(skylake) + "CPU 1:\n" + cpuid_r(ice_lake), "two.txt") ==
          "two.txt:5: expected CPUs of one family and model, as a host has: family 6, model 85, found family 6, model "
          "106 (two dumps in one text are two hosts, which need a file each)");
    CHECK(contains(refusal(instlatx64(skylake) + instlatx64(ice_lake)), "host.json:3: expected CPUs of one family"));
    const std::string amd = aida(0, amd_signature(1));
    CHECK(contains(refusal(amd + aida(1, {0x00830F10, 0, 0, 0}) + amd + aida(1, {genoa, 0, 0, 0})),
                   "found family 25, model 17"));
}

TEST_CASE("a host document is of one machine as well", "[one_machine]") {
    const auto cpu = [](int number, const std::string& eax) {
        return "{\"cpu\": " + std::to_string(number) + ", \"cpuid\": [" + leaf_0 +
               R"(, {"leaf": "0x1", "subleaf": "0x0", "eax": ")" + eax +
               R"(", "ebx": "0x0", "ecx": "0x1", "edx": "0x2"}]})";
    };
    const auto host = [&](const std::string& second) {
        return document("\"hardware\": {\"cpus\": [" + cpu(0, "0xa10f11") + ",\n" + cpu(1, second) + "]}");
    };
    CHECK(refusal(host("0xa10f10")).empty());
    CHECK(contains(refusal(host("0x830f10")), "host.json:2: expected CPUs of one family and model"));
}

TEST_CASE("steppings may differ on one board", "[one_machine]") {
    CHECK(cpus("CPU 0:\n" + cpuid_r(skylake) + "CPU 1:\n" + cpuid_r(cascade_lake)) == 2);
}

TEST_CASE("the cores of a hybrid processor may be of two models", "[one_machine]") {
    const auto hybrid = [](std::uint32_t signature, std::uint32_t bit) {
        std::string text = aida(0, intel_signature(7)) + aida(1, {signature, 0, 0, 0});
        for (std::uint32_t leaf = 2; leaf < 7; ++leaf) text += aida(leaf, {});
        return text + aida(7, {0, 0, 0, bit});
    };
    constexpr std::uint32_t hybrid_bit = 1U << 15U;
    CHECK(cpus(hybrid(0x000B0671, hybrid_bit) + hybrid(0x000B06E1, hybrid_bit)) == 2);
    CHECK_FALSE(refusal(hybrid(0x000B0671, hybrid_bit) + hybrid(0x000B06E1, 0)).empty());
    CHECK_FALSE(refusal(hybrid(0x000B0671, 0) + hybrid(0x000B06E1, hybrid_bit)).empty());

    const auto heterogeneous = [](std::uint32_t signature, std::uint32_t bit) {
        return aida(0, amd_signature(1)) + aida(1, {signature, 0, 0, 0}) + aida(0x80000000, {0x80000026, 0, 0, 0}) +
               aida_sub(0x80000026, 0, {bit, 2, 0x100, 0});
    };
    constexpr std::uint32_t heterogeneous_bit = 1U << 30U;
    CHECK(cpus(heterogeneous(0x00B20F40, heterogeneous_bit) + heterogeneous(0x00B60F00, heterogeneous_bit)) == 2);
    CHECK_FALSE(refusal(heterogeneous(0x00B20F40, 0) + heterogeneous(0x00B60F00, heterogeneous_bit)).empty());
}

TEST_CASE("rows of another tool in one text are another dump", "[one_machine]") {
    const std::string kcpuid = "0x00000000: EAX=0x00000001, EBX=0x756e6547, ECX=0x6c65746e, EDX=0x49656e69\n";
    const std::string numbered = "CPU 0:\n" + cpuid_r(skylake);
    CHECK(refusal(numbered + instlatx64(skylake), "two.txt") ==
          "two.txt:2: expected rows of InstLatx64 alone, found a row of cpuid -r (two dumps in one text are two hosts, "
          "which need a file each)");
    CHECK(contains(refusal(instlatx64(skylake) + "\n" + numbered), "host.json:5: expected rows of InstLatx64 alone"));
    CHECK(contains(refusal(kcpuid + numbered), "host.json:3: expected rows of kcpuid alone, found a row of cpuid -r"));
    CHECK(contains(refusal(libcpuid(0) + kcpuid), "host.json:4: expected rows of libcpuid alone"));
}

TEST_CASE("/proc/cpuinfo of another CPU beside registers is another host's", "[one_machine]") {
    const auto cpuinfo = [](const std::string& vendor, int family, int model, const std::string& stepping) {
        return "processor\t: 0\nvendor_id\t: " + vendor + "\ncpu family\t: " + std::to_string(family) +
               "\nmodel\t\t: " + std::to_string(model) + "\nmodel name\t: A\n" + stepping + "flags\t\t: fpu vme\n\n";
    };
    // Family 6, model 55h, stepping 4.
    const std::string own = cpuinfo("GenuineIntel", 6, 0x55, "stepping\t: 4\n");
    const std::vector<std::string> others{
        cpuinfo("AuthenticAMD", 6, 0x55, "stepping\t: 4\n"), cpuinfo("GenuineIntel", 5, 0x55, "stepping\t: 4\n"),
        cpuinfo("GenuineIntel", 6, 0x56, "stepping\t: 4\n"), cpuinfo("GenuineIntel", 6, 0x55, "stepping\t: 5\n"),
        cpuinfo("AuthenticAMD", 25, 1, "")};
    const std::string kcpuid =
        "0x00000000: EAX=0x00000001, EBX=0x756e6547, ECX=0x6c65746e, EDX=0x49656e69\n"
        "0x00000001: EAX=0x00050654, EBX=0x00100800, ECX=0x00000001, EDX=0x00000010\n";
    for (const std::string& rows : {instlatx64(skylake), "CPU:\n" + cpuid_r(skylake), kcpuid}) {
        CAPTURE(rows);
        const HostDump plain = read_host(rows);
        CHECK(read_host(own + rows).hardware == plain.hardware);
        CHECK(read_host(rows + own + own).hardware == plain.hardware);
        CHECK(read_host(cpuinfo("GenuineIntel", 6, 0x55, "") + rows).hardware == plain.hardware);
        for (const std::string& other : others) {
            CAPTURE(other);
            CHECK(
                refusal(other + rows, "f") ==
                "f:2: expected /proc/cpuinfo of the host whose registers stand in the text, found that of another CPU "
                "(two dumps in one text are two hosts, which need a file each)");
            CHECK(contains(refusal(rows + own + other, "f"), "found that of another CPU"));
        }
    }
}

TEST_CASE("a text that was taken in a virtual machine says so", "[one_machine]") {
    const auto note = [](const Registers& features) {
        return note_text(read_host(aida(0, intel_signature(1)) + aida(1, features)), "virtual-machine");
    };
    Registers features = plain_leaf_1;
    CHECK(note(features).empty());
    features.ecx |= 1U << 31U;
    CHECK(contains(note(features), "leaf 1 ECX[31]"));
}

TEST_CASE("a text that has some of the CPUs which its processor counts says so", "[one_machine]") {
    const auto note = [](const std::string& text) { return note_text(read_host(text), "cpus-missing"); };
    const auto intel = [](std::uint32_t leaf, std::uint32_t in_processor) {
        std::string text = aida(0, intel_signature(leaf)) + aida(1, plain_leaf_1);
        for (std::uint32_t each = 2; each < leaf; ++each) text += aida(each, {});
        return text + aida_sub(leaf, 0, {1, 2, 0x100, 0}) + aida_sub(leaf, 1, {4, in_processor, 0x201, 0}) +
               aida_sub(leaf, 2, {0, 0, 2, 0});
    };
    const auto amd = [](std::uint32_t in_processor) {
        std::string text =
            aida(0, amd_signature(1)) + aida(1, {genoa, 0, 0, 0}) + aida(0x80000000, {0x80000008, 0, 0, 0});
        for (std::uint32_t leaf = 0x80000001; leaf < 0x80000008; ++leaf) text += aida(leaf, {});
        return text + aida(0x80000008, {0x3030, 0, in_processor - 1, 0});
    };
    const std::string two_of_four =
        "The dump has 2 of the 4 logical CPUs that its processor counts: it may be cut off, and nothing is known of "
        "the others.";
    const auto leaf = GENERATE(as<std::uint32_t>{}, 0xB, 0x1F);
    CHECK(note(intel(leaf, 4) + intel(leaf, 4)) == two_of_four);
    CHECK(note(amd(4) + amd(4)) == two_of_four);
    CHECK(note(intel(leaf, 2) + intel(leaf, 2)).empty());
    CHECK(note(amd(2) + amd(2)).empty());
    CHECK(note(amd(1) + amd(1)).empty());  // two processors
    CHECK(note(intel(leaf, 4)).empty());   // one CPU was wanted
    CHECK(note(amd(4)).empty());
    CHECK(note(instlatx64(skylake) + instlatx64(skylake)).empty());  // says nothing of its CPUs
}

TEST_CASE("of a processor with cores of several types no CPU stands for those that the dump lacks", "[one_machine]") {
    const auto cpu = [](std::uint32_t hybrid) {
        std::string text = aida(0, intel_signature(0xB)) + aida(1, plain_leaf_1);
        for (std::uint32_t leaf = 2; leaf < 0xB; ++leaf) {
            text += leaf == 7 ? aida_sub(7, 0, {0, 0, 0, hybrid << 15U}) : aida(leaf, {});
        }
        return text + aida_sub(0xB, 0, {1, 1, 0x100, 0}) + aida_sub(0xB, 1, {4, 2, 0x201, 0}) +
               aida_sub(0xB, 2, {0, 0, 2, 0});
    };
    const auto note = [](const std::string& text) { return note_text(read_host(text), "core-types-missing"); };
    CHECK(
        note(cpu(1)) ==
        "The dump has 1 of the 2 logical CPUs that its processor counts, whose cores are of several types: what one of "
        "another type lacks is promised all the same. Take a dump of all of them.");
    CHECK(note(to_host_json(read_host(cpu(1)))) == note(cpu(1)));
    CHECK(note(cpu(1) + cpu(1)).empty());
    CHECK(note(cpu(0)).empty());
    CHECK(note_text(read_host(cpu(1)), "cpus-missing").empty());
}

TEST_CASE("threads are not missed of cores of which the dump has one", "[one_machine]") {
    constexpr std::uint32_t hybrid = 1U << 15U;
    struct Cpu {
        std::uint32_t id;
        std::uint32_t threads;  // of its core
    };
    // Of processors that count six logical CPUs, in x2APIC IDs of 8 bits.
    const auto notes = [](std::uint32_t features, const std::vector<Cpu>& cpus, std::uint32_t first_level = 1) {
        std::string text;
        for (const auto& [id, threads] : cpus) {
            text += aida(0, intel_signature(0xB)) + aida(1, plain_leaf_1);
            for (std::uint32_t leaf = 2; leaf < 0xB; ++leaf) {
                text += leaf == 7 ? aida_sub(7, 0, {0, 0, 0, features}) : aida(leaf, {});
            }
            text += aida_sub(0xB, 0, {1, threads, first_level << 8U, id}) + aida_sub(0xB, 1, {8, 6, 0x201, id}) +
                    aida_sub(0xB, 2, {0, 0, 2, id});
        }
        const HostDump host = read_host(text);
        return note_text(host, "core-types-missing") + note_text(host, "cpus-missing");
    };
    for (const std::uint32_t features : {hybrid, 0U}) {
        CAPTURE(features);
        CHECK(notes(features, {{0, 2}, {2, 2}, {4, 1}, {6, 1}}).empty());  // SMT is off
        CHECK(notes(features, {{1, 2}, {3, 2}, {4, 1}, {6, 1}}).empty());
        CHECK_FALSE(notes(features, {{0, 2}, {2, 2}, {4, 1}}).empty());
        CHECK_FALSE(notes(features, {{0, 2}, {1, 2}, {2, 2}, {3, 2}}).empty());
        CHECK_FALSE(notes(features, {{0, 2}, {2, 2}, {0x104, 1}, {0x106, 1}}).empty());  // of another processor
        CHECK_FALSE(notes(features, {{0, 2}, {2, 2}, {4, 1}, {6, 1}}, 2).empty());       // no level of threads
    }
}

TEST_CASE("a dump behind the end of a .test file is another host, and is not passed over", "[one_machine]") {
    const std::string end = std::string(80, '-') + "\nx86\n6\n13\n";
    const std::string found = "found another CPU, after the end of a dump on line ";
    const std::string headed = "------[ Logical CPU #0 ]------\n" + instlatx64(skylake);
    for (const std::string& second : {headed, headed + end, instlatx64(skylake), aida(0, intel_signature(1))}) {
        CHECK(contains(refusal(headed + end + second), found + "4 (two dumps in one text are two hosts"));
    }
    CHECK(contains(refusal(headed + end + headed), "host.json:9: expected each logical CPU of one host once"));
    CHECK(contains(refusal(libcpuid(0) + end + libcpuid(0)), "host.json:8: expected each logical CPU"));
    CHECK(contains(refusal(libcpuid(0) + end + headed), "expected rows of libcpuid alone"));
    CHECK(contains(refusal(headed + end + libcpuid(0)), "alone, found a row of "));
    CHECK(cpus(headed + end) == 1);
    CHECK(cpus(libcpuid(0) + end) == 1);
    // Above the rows it ends nothing.
    CHECK(cpus(std::string(80, '-') + "\nnode-17\n" + end + headed + end) == 1);
    CHECK(cpus("node-17\n" + end + libcpuid(0) + end) == 1);
}

TEST_CASE("CPUs without a number that have one APIC ID and differ are of two hosts", "[one_machine]") {
    const auto host = [](std::uint32_t apic_id, std::uint32_t features) {
        return cpuid_r_row(0, intel_signature(1)) + cpuid_r_row(1, {skylake, apic_id << 24U, features, 0});
    };
    CHECK(cpus(host(0, 1) + host(1, 1)) == 2);
    CHECK(cpus(host(0, 1) + host(1, 3)) == 2);
    CHECK(cpus(host(0, 1) + host(0, 1)) == 2);  // a tool that stayed where it was
    CHECK(
        refusal(host(0, 1) + host(1, 1) + host(0, 3), "f") ==
        "f:5: expected each logical CPU of one host once, found another CPU with APIC ID 0, after that of line 1 (two "
        "dumps in one text are two hosts, which need a file each)");
}

TEST_CASE("a tool that runs on each CPU in turn gives no APIC ID twice", "[one_machine]") {
    // Leaves 0, 1 and Bh, if it is asked for.
    const auto host = [](const std::string& initial, const std::string& x2apic, const std::string& features = "1") {
        return "cpuid level 0x0: 0x0000000b 0x756e6547 0x6c65746e 0x49656e69\ncpuid level 0x1: 0x00050654 0x" +
               initial + "100800 0x0000000" + features + " 0x00000010\n" +
               (x2apic.empty() ? "" : "cpuid level 0xb: 0x00000001 0x00000002 0x00000100 0x" + x2apic + "\n");
    };
    CHECK(cpus(host("00", "00000000") + host("01", "00000001")) == 2);
    CHECK(cpus(host("00", "00000000") + host("00", "00000100")) == 2);  // of 257 CPUs or more
    CHECK(contains(refusal(host("00", "00000000") + host("01", "00000001") + host("00", "00000000")),
                   "host.json:7: expected each logical CPU of one host once, found another CPU with APIC ID 0, after "
                   "that of line 1"));
    CHECK(cpus(host("00", "") + host("00", "")) == 2);  // their x2APIC IDs may be others
    CHECK(contains(refusal(host("00", "") + host("00", "", "3")), "found another CPU with APIC ID 0"));
}

}  // namespace poolcpuid::test::one_machine_test
