// Reading the text dumps of AIDA64, EVEREST and InstLatx64.

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::instlatx64_test {

using dump::is_instlatx64;

namespace {

HostDump read(std::string_view text) { return dump::read_instlatx64({text, "host"}); }
std::string refusal_text(std::string_view text) { return refusal_of(dump::read_instlatx64, text); }

std::vector<std::uint32_t> numbers(const HostDump& host) {
    std::vector<std::uint32_t> result;
    for (const LogicalCpu& cpu : host.hardware->cpus) result.push_back(cpu.number);
    return result;
}

// A CPU with XSAVE whose leaf D has these rows, unlabelled.
HostDump read_unlabelled_xsave(const std::vector<Registers>& rows) {
    std::string more;
    for (std::uint32_t leaf = 4; leaf < 0xD; ++leaf) more += aida(leaf, {});
    for (const Registers& row : rows) more += aida(0xD, row);
    return read(aida_cpu(0xD, more, xsave_leaf_1));
}

const std::string one_cpu_text = aida_cpu(3);

}  // namespace

TEST_CASE("an InstLatx64 row gives the registers as read", "[instlatx64]") {
    const HostDump host = read(one_cpu_text);
    CHECK(read_hosts(one_cpu_text, "host").front().format == "instlatx64");
    CHECK_FALSE(host.hypervisor);
    CHECK(host.name.empty());
    CHECK(value_of(host, {0, 0}) == intel_signature(3));
    CHECK(value_of(host, {1, 0}) == plain_leaf_1);
    CHECK(table_of(host).rows.size() == 4);
    CHECK(table_of(host).unknown.empty());
    CHECK(host.notes.empty());
    CHECK(vendor_string(table_of(host)) == "GenuineIntel");
}

TEST_CASE("SYSCALL stays 0 where a 32-bit tool read it so: readers correct nothing", "[instlatx64]") {
    const HostDump host =
        read(aida_cpu(3, aida(0x80000000, {0x80000001, 0, 0, 0}) + aida(0x80000001, {0, 0, 0, 0x20000000})));
    CHECK(value_of(host, {0x80000001, 0}).edx == 0x20000000);
}

TEST_CASE("every spelling of a row reads the same", "[instlatx64]") {
    const std::string rest = aida(1, plain_leaf_1);
    const auto leaf = GENERATE(
        as<std::string>{}, "CPUID 00000000: 00000001-756E6547-6C65746E-49656E69",
        "CPUID 00000000  \t00000001-756E6547-6C65746E-49656E69", "CPUID 00000000 00000001-756E6547-6C65746E-49656E69",
        "CPUID 00000000 : 00000001-756E6547-6C65746E-49656E69", "CPUID 00000000 :00000001-756E6547-6C65746E-49656E69",
        "CPUID 00000000  00000001-756E6547-6C65746E-49656E69   \t",
        "CPUID 00000000: 00000001 756E6547 6C65746E 49656E69", "CPUID 00000000: 00000001-756e6547-6c65746e-49656e69",
        "CPUID 00000000: 00000001-756E6547-6C65746E-49656E69 [GenuineIntel]",
        "CPUID 00000000: 00000001-756E6547-6C65746E-49656E69\t[L2: 2048 KB] / L3: 0 KB]",
        "CPUID 00000000: 00000001-756E6547-6C65746E-49656E69[30GHz",
        "CPUID 00000000: 00000001-756E6547-6C65746E-49656E69\r");
    CAPTURE(leaf);
    CHECK(is_instlatx64(leaf + "\n" + rest));
    CHECK(value_of(read(leaf + "\n" + rest), {0, 0}) == intel_signature(1));
}

TEST_CASE("a dump may lack its final newline and hold stray bytes in other lines", "[instlatx64]") {
    std::string text =
        "\xEF\xBB\xBF\x7F junk \xC3\xA9\nCPUID CPU Name     : Athlon XP (Palomin\x7F\nCPUID Revision : 00000662h\n" +
        one_cpu_text;
    text += std::string("NUL \0 cut\n", 10);
    text.pop_back();
    const HostDump host = read(text);
    CHECK(host.hardware->cpus.size() == 1);
    std::string cut = one_cpu_text;
    cut.pop_back();
    CHECK(value_of(read(cut), {1, 0}) == plain_leaf_1);
}

TEST_CASE("each kind of section header starts a logical CPU", "[instlatx64]") {
    struct Headers {
        const char* first;
        const char* second;
        std::vector<std::uint32_t> numbers;
    };
    const auto headers = GENERATE(values<Headers>({
        {"------[ Logical CPU #0 ]------", "------[ Logical CPU #1 ]------", {0, 1}},
        {"------[ CPUID Registers / Logical CPU #4 ]------",
         "------[ CPUID Registers / Logical CPU #9 ]------",
         {4, 9}},
        {"CPUID Registers (CPU #1):", "CPUID Registers (CPU #2 Virtual):", {1, 2}},
        {"CPU#000 AffMask: 0x0000000000000001 ", "CPU#001 AffMask: 0x0000000000000002 ", {0, 1}},
        {"CPU#00 AffMask: 0X0000000000000000:01", "CPU#01 AffMask: 0X0000000000000000:02", {0, 1}},
        {"Group: 0x00 Affinity mask: 0x1", "Group: 0x00 Affinity mask: 0x2", {0, 1}},
        {"CPU 0:", "CPU 1:", {0, 1}},
        {"", "", {0, 1}},  // leaf 0 again
    }));
    CAPTURE(headers.first);
    const std::string text = std::string(headers.first) + "\n" + aida_cpu(3) + "\n" + headers.second + "\n" +
                             aida(0, intel_signature(3)) + aida(1, {0x50657, 0x01000000, 0, 0}) + aida(2, {}) +
                             aida(3, {});
    const HostDump host = read(text);
    CHECK(numbers(host) == headers.numbers);
    REQUIRE(host.hardware->cpus.size() == 2);
    CHECK(value_of(host, {1, 0}, 0) == plain_leaf_1);
    CHECK(value_of(host, {1, 0}, 1).eax == 0x50657);
}

TEST_CASE("leaf 0 again within a headed section is another CPU, which lacks its heading", "[instlatx64]") {
    CHECK(contains(refusal_text("------[ Logical CPU #0 ]------\n" + aida_cpu(3) + aida_cpu(3) +
                                "------[ Logical CPU #1 ]------\n" + aida_cpu(3)),
                   "host:6: expected a heading above each CPU, or above none, found a CPU without one below others"));
}

TEST_CASE("a row behind the mask of a heading is not passed over with it", "[instlatx64]") {
    const std::string row = aida(0x40000000, {0x40000001, 0x4B4D564B, 0x564B4D56, 0x4D});
    for (const std::string heading : {"CPU#000 AffMask: 0x1 ", "Group: 0x00 Affinity mask: 0x1 "}) {
        CHECK(contains(refusal(heading + row + aida_cpu(3)), "host.json:1: expected rows of InstLatx64 with nothing"));
    }
    CHECK(refusal("CPU#000 AffMask: 0x1 \n" + row + aida_cpu(3)).empty());
}

TEST_CASE("headers without rows are no CPUs, and numbers may have gaps", "[instlatx64]") {
    const HostDump host = read("------[ Logical CPU #0 ]------\n" + aida_cpu(3) +
                               "------[ Logical CPU #1 ]------\n\n------[ Logical CPU #2 ]------\n" + aida_cpu(3));
    CHECK(numbers(host) == std::vector<std::uint32_t>{0, 2});
    CHECK_THAT(note_text(host, "cpus-missing"),
               Catch::Contains("a heading and no row of logical CPU 1: it may be cut"));
}

TEST_CASE("CPU numbers that occur twice are replaced in the order of the dump", "[instlatx64]") {
    const HostDump host = read("CPU#003 AffMask: 0x1\n" + aida_cpu(3) + "CPU#003 AffMask: 0x2\n" + aida_cpu(3));
    CHECK(numbers(host) == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("'Valid, Virtual' and summaries of CPUs are prose", "[instlatx64]") {
    const HostDump host =
        read("------[ Logical CPU #0 ]------\n\nallcpu: Package 0 / Core 0 / Thread 1: Valid, Virtual\n\n" +
             aida_cpu(3) + "------[ All CPUs ]------\nCPU   0: APICID    0 / Package 0: Valid\n");
    CHECK(numbers(host) == std::vector<std::uint32_t>{0});
}

TEST_CASE("the label of a subleaf is hexadecimal", "[instlatx64]") {
    std::string more;
    for (std::uint32_t leaf = 4; leaf < 0xD; ++leaf) more += aida(leaf, {});
    more += aida_sub(0xD, 0, {7, 0x340, 0x3C0, 0x40000000}) + aida_sub(0xD, 1, {}) +
            aida_sub(0xD, 2, {0x100, 0x240, 0, 0}) + aida(0xD, {0x80, 0x340, 0, 0}, " [SL 3E] [SL 3E]");
    const HostDump host = read(aida_cpu(0xD, more, xsave_leaf_1));
    CHECK(value_of(host, {0xD, 62}) == Registers{0x80, 0x340, 0, 0});
    CHECK(table_of(host).unknown.empty());
    CHECK(contains(refusal_text(aida_cpu(3, aida(3, {}, " [SL xx]"))), "host:5: expected a CPUID row"));
}

TEST_CASE("a label that was broken off its row is refused, and any blanks stand within one", "[instlatx64]") {
    const std::string broken = GENERATE(as<std::string>{}, "\n[SL 01]", "\n> [SL 01]", " [SL\n01]", " [SL");
    CAPTURE(broken);
    CHECK(contains(refusal_text(aida_cpu(3, aida(3, {}, broken))), ": expected "));
    CHECK(value_of(read(aida_cpu(7, aida(7, {9, 0, 0, 0}, "\t[SL\t 01]"))), {7, 1}).eax == 9);
    CHECK(refusal_text(aida_cpu(3, aida(3, {}, " [SLAT]"))).empty());
}

TEST_CASE("unlabelled rows of a list of subleaves are numbered in order", "[instlatx64]") {
    std::string more = aida(4, {1, 0, 0, 0}) + aida(4, {2, 0, 0, 0}) + aida(4, {3, 0, 0, 0});
    for (std::uint32_t leaf = 5; leaf < 0xB; ++leaf) more += aida(leaf, {});
    more += aida(0xB, {1, 2, 0x100, 0}) + aida(0xB, {5, 16, 0x201, 0});
    const HostDump host = read(aida_cpu(0xB, more));
    CHECK(value_of(host, {4, 2}).eax == 3);
    CHECK(value_of(host, {0xB, 1}).ebx == 16);
    CHECK_FALSE(has_note(host, "subleaf-unknown"));
}

TEST_CASE("a second unlabelled row of leaf D is AVX and not the flags of subleaf 1", "[instlatx64]") {
    const HostDump host = read_unlabelled_xsave({{7, 0x340, 0x340, 0}, {0x100, 0x240, 0, 0}});
    CHECK(value_of(host, {0xD, 2}) == Registers{0x100, 0x240, 0, 0});
    CHECK(table_of(host).find({0xD, 1}) == nullptr);
    CHECK(table_of(host).unknown == std::vector<UnknownRow>{{0xD, 1}});  // the tool did not ask for it
}

TEST_CASE("unlabelled rows of leaf D follow what XCR0 and XSS announce", "[instlatx64]") {
    const HostDump host = read_unlabelled_xsave({{0x2E7, 0xA88, 0xA88, 0},
                                                 {0xF, 0xA08, 0x100, 0},
                                                 {0x100, 0x240, 0, 0},
                                                 {0x40, 0x440, 0, 0},
                                                 {0x200, 0x480, 0, 0},
                                                 {0x400, 0x680, 0, 0},
                                                 {0x80, 0, 1, 0},
                                                 {0x8, 0xA80, 0, 0}});
    CHECK(value_of(host, {0xD, 1}).ecx == 0x100);
    CHECK(value_of(host, {0xD, 5}).ebx == 0x440);
    CHECK(value_of(host, {0xD, 8}) == Registers{0x80, 0, 1, 0});
    CHECK(value_of(host, {0xD, 9}).ebx == 0xA80);
    CHECK(table_of(host).unknown.empty());
}

TEST_CASE("of unlabelled states of one size none is told where one of them may be lost", "[instlatx64]") {
    const Registers user{0x2FF, 0xA88, 0xA88, 0};
    const Registers flags{0xF, 0xA08, 0x100, 0};
    const Registers avx{0x100, 0x240, 0, 0};
    const Registers bndregs{0x40, 0x3C0, 0, 0};
    const Registers bndcsr{0x40, 0x400, 0, 0};
    const Registers opmask{0x40, 0x440, 0, 0};
    const Registers zmm_high{0x200, 0x480, 0, 0};
    const std::vector<Registers> rest{zmm_high, {0x400, 0x680, 0, 0}, {0x80, 0, 1, 0}, {0x8, 0xA80, 0, 0}};
    const auto with = [&](std::vector<Registers> rows) {
        rows.insert(rows.begin(), {user, flags, avx});
        return rows;
    };
    const auto with_rest = [&](std::vector<Registers> rows) {
        rows.insert(rows.end(), rest.begin(), rest.end());
        return with(rows);
    };
    const HostDump whole = read_unlabelled_xsave(with_rest({bndregs, bndcsr, opmask}));
    CHECK(value_of(whole, {0xD, 5}) == opmask);
    CHECK(table_of(whole).unknown.empty());
    for (const auto& rows :
         {with_rest({bndcsr, opmask}), with_rest({bndregs, opmask}), with_rest({bndregs, bndcsr}),
          with({bndcsr, opmask}),                // the text ends there
          with_rest({bndregs, bndcsr, bndcsr}),  // twice the same
          with_rest({bndregs, bndregs, bndcsr, opmask}), with_rest({bndcsr, bndregs, opmask})}) {  // in another order
        const HostDump host = read_unlabelled_xsave(rows);
        CHECK(value_of(host, {0xD, 2}) == avx);
        for (const std::uint32_t component : {3U, 4U, 5U}) {
            CAPTURE(rows.size(), component);
            CHECK(table_of(host).find({0xD, component}) == nullptr);
            CHECK(table_of(host).is_unknown({0xD, component}));
        }
        CHECK(has_note(host, "subleaf-unknown"));
    }
    // Nothing else has the size of the last.
    CHECK(value_of(read_unlabelled_xsave(with({bndregs, bndcsr, opmask, zmm_high})), {0xD, 5}) == opmask);
}

TEST_CASE("APX and LWP stand where such a CPU lacks other states", "[instlatx64]") {
    const HostDump apx = read_unlabelled_xsave({{0x80207, 0x988, 0x988, 0},
                                                {0xF, 0x988, 0, 0},
                                                {0x100, 0x240, 0, 0},
                                                {0x8, 0x980, 0, 0},
                                                {0x80, 0x3C0, 0, 0}});
    CHECK(value_of(apx, {0xD, 19}).ebx == 0x3C0);
    CHECK(table_of(apx).unknown.empty());
    const HostDump lwp = read_unlabelled_xsave(
        {{0x7, 0x3C0, 0x3C0, 0x40000000}, {1, 0x3C0, 0, 0}, {0x100, 0x240, 0, 0}, {0x80, 0x340, 0, 0}});
    CHECK(value_of(lwp, {0xD, 62}).ebx == 0x340);
    CHECK(table_of(lwp).unknown.empty());
}

TEST_CASE("subleaf 0 of leaf D over again is not subleaf 1", "[instlatx64]") {
    const Registers user{7, 0x340, 0x340, 0};
    const HostDump host = read_unlabelled_xsave({user, user, {1, 0x340, 0, 0}, {0x100, 0x240, 0, 0}});
    CHECK(value_of(host, {0xD, 0}) == user);
    CHECK(table_of(host).is_unknown({0xD, 1}));
    CHECK(table_of(host).is_unknown({0xD, 2}));
}

TEST_CASE("a tool that stops at the first gap of leaf D leaves the rest unknown", "[instlatx64]") {
    const HostDump host =
        read_unlabelled_xsave({{0x207, 0x340, 0x988, 0}, {0xF, 0x350, 0x800, 0}, {0x100, 0x240, 0, 0}});
    CHECK(value_of(host, {0xD, 1}).eax == 0xF);
    CHECK(value_of(host, {0xD, 2}).eax == 0x100);
    CHECK(table_of(host).unknown == std::vector<UnknownRow>{{0xD, 9}, {0xD, 11}});
}

TEST_CASE("an unlabelled row of leaf D that fits no component is not stored", "[instlatx64]") {
    // AVX has 100h bytes at 240h; nothing says what else the second row is.
    const HostDump host = read_unlabelled_xsave({{0x207, 0x340, 0x988, 0}, {0x40, 0x340, 0, 0}});
    CHECK(table_of(host).find({0xD, 1}) == nullptr);
    CHECK(table_of(host).find({0xD, 2}) == nullptr);
    CHECK(table_of(host).is_unknown({0xD, 1}));
    CHECK(table_of(host).is_unknown({0xD, 2}));
    CHECK(table_of(host).is_unknown({0xD, 9}));
    CHECK_FALSE(table_of(host).is_unknown({0xD, 0}));
    CHECK(note_text(host, "subleaf-unknown") == "Left out 1 rows without a label whose subleaf cannot be told.");
}

TEST_CASE("a labelled row counts where another of its leaf has no label", "[instlatx64]") {
    std::string more;
    for (std::uint32_t leaf = 4; leaf < 0xD; ++leaf) more += aida(leaf, {});
    more += aida(0xD, {7, 0x340, 0x340, 0}) + aida_sub(0xD, 1, {1, 0, 0, 0}) + aida_sub(0xD, 2, {0x100, 0x240, 0, 0});
    const HostDump host = read(aida_cpu(0xD, more, xsave_leaf_1));
    CHECK(value_of(host, {0xD, 1}).eax == 1);
    CHECK(table_of(host).unknown.empty());
}

TEST_CASE("as many unlabelled rows as a leaf counts subleaves are these, in order", "[instlatx64]") {
    const auto leaf_7 = [](const std::vector<Registers>& rows) {
        std::string more = aida(4, {}) + aida(5, {}) + aida(6, {});
        for (const Registers& row : rows) more += aida(7, row);
        return read(aida_cpu(7, more));
    };
    const HostDump whole = leaf_7({{2, 0x20, 0, 0}, {0x10, 0, 0, 0}, {0, 0, 0, 1}});
    CHECK(value_of(whole, {7, 1}).eax == 0x10);
    CHECK(value_of(whole, {7, 2}).edx == 1);
    CHECK(table_of(whole).unknown.empty());
    CHECK_FALSE(has_note(whole, "subleaf-unknown"));
    // Too few, too many, and the first again.
    for (const auto& rows : {std::vector<Registers>{{2, 0x20, 0, 0}, {0x10, 0, 0, 0}},
                             {{1, 0x20, 0, 0}, {0x10, 0, 0, 0}, {0, 0, 0, 1}},
                             {{1, 0x20, 0, 0}, {1, 0x20, 0, 0}}}) {
        const HostDump host = leaf_7(rows);
        CHECK(value_of(host, {7, 0}) == rows.front());
        CHECK(table_of(host).unknown == std::vector<UnknownRow>{{7, {}}});
        CHECK(has_note(host, "subleaf-unknown"));
    }
}

TEST_CASE("an unlabelled row that cannot be subleaf 0 is not read as it", "[instlatx64]") {
    struct Leaf {
        std::uint32_t leaf;
        std::vector<Registers> rows;
        bool is_first;
    };
    const auto [leaf, rows, is_first] = GENERATE(values<Leaf>({
        {0x7, {{0x30, 0, 0, 0}}, false},                             // 7.1 of Zen 5
        {0x7, {{0x400810, 0, 0, 0x40000}, {0, 0, 0, 0x3F}}, false},  // 7.1 and 7.2 of Intel
        {0x7, {{0, 0, 0, 0x3F}}, false},                             // 7.2: else it had FSRM
        {0x7, {{0, 0, 0, 0x9C000400}}, true},                        // Nehalem with newer microcode
        {0x7, {{2, 0x20, 0, 0}}, true},
        {0xB, {{5, 16, 0x201, 0}}, false},
        {0xD, {{0xF, 0x9A8, 0x1800, 0}, {0x100, 0x240, 0, 0}}, false},     // D.1 of Zen 5
        {0xD, {{0x1F, 0x2680, 0x19900, 0}, {0x100, 0x240, 0, 0}}, false},  // D.1 of Sapphire Rapids
        {0xD, {{0x1F, 0x9A8, 0x1800, 0}}, false},
        {0xD, {{0x1, 0x340, 0, 0}}, false},  // D.1 of Ivy Bridge
        {0xD, {{0x100, 0x240, 0, 0}}, false},
        {0xD, {{0x1F, 0x440, 0x440, 0}}, true},  // MPX
        {0xD, {{0x602E7, 0x2B00, 0x2B00, 0}}, true},
        {0xF, {{0, 0x70, 0x70, 7}}, false},
        {0x10, {{0xA, 0x600, 4, 0xF}}, false},
        {0x1D, {{0x04002000, 0x00080040, 0x10, 0}}, false},
        {0x1D, {{1, 0, 0, 0}, {0x04002000, 0x00080040, 0x10, 0}}, true},
    }));
    std::string more;
    for (std::uint32_t each = 4; each < leaf; ++each) more += aida(each, {});
    for (const Registers& row : rows) more += aida(leaf, row);
    CAPTURE(leaf, rows.front().eax);
    const HostDump host = read(aida_cpu(leaf, more, leaf == 0xD ? xsave_leaf_1 : plain_leaf_1));
    CHECK((table_of(host).find({leaf, 0}) != nullptr) == is_first);
    CHECK(table_of(host).is_unknown({leaf, 0}) != is_first);
    CHECK(has_note(host, "subleaf-unknown") != is_first);
}

TEST_CASE("zeros are no subleaf 0 of a leaf that a feature announces", "[instlatx64]") {
    const auto leaf_d = [](const Registers& features) {
        std::string more;
        for (std::uint32_t leaf = 4; leaf < 0xD; ++leaf) more += aida(leaf, {});
        return read(aida_cpu(0xD, more + aida(0xD, {}) + aida(0xD, {0x100, 0x240, 0, 0}), features));
    };
    const HostDump lost = leaf_d(xsave_leaf_1);  // subleaf 1 of a CPU without XSAVEOPT stands first
    CHECK(table_of(lost).find({0xD, 0}) == nullptr);
    CHECK(table_of(lost).is_unknown({0xD, 0}));
    CHECK(has_note(lost, "subleaf-unknown"));
    CHECK(table_of(leaf_d(plain_leaf_1)).find({0xD, 0}) != nullptr);

    const auto leaf_14 = [](std::uint32_t features) {
        std::string more;
        for (std::uint32_t leaf = 4; leaf < 0x14; ++leaf) {
            more += leaf == 7 ? aida(7, {0, features, 0, 0}) : aida(leaf, {});
        }
        return read(aida_cpu(0x14, more + aida(0x14, {})));
    };
    constexpr std::uint32_t processor_trace = 1U << 25U;
    CHECK(table_of(leaf_14(processor_trace)).is_unknown({0x14, 0}));
    CHECK(table_of(leaf_14(0)).find({0x14, 0}) != nullptr);
}

TEST_CASE("later unlabelled rows of any other leaf are unknown subleaves", "[instlatx64]") {
    std::string more;
    for (std::uint32_t leaf = 4; leaf < 0x10; ++leaf) more += aida(leaf, {});
    more += aida(0x10, {0, 0xA, 0, 0}) + aida(0x10, {0xA, 0x600, 4, 0xF}) + aida(0x10, {0x59, 0, 4, 7});
    const HostDump host = read(aida_cpu(0x10, more));
    CHECK(value_of(host, {0x10, 0}).ebx == 0xA);
    CHECK(table_of(host).find({0x10, 1}) == nullptr);
    CHECK(table_of(host).is_unknown({0x10, 1}));
    CHECK(table_of(host).is_unknown({0x10, 3}));
    CHECK(has_note(host, "subleaf-unknown"));
}

TEST_CASE("rows beyond the maximum leaves are left out and counted", "[instlatx64]") {
    const Registers echo{0xC80, 0x1068, 0x64, 0};
    const HostDump host =
        read(aida_cpu(3, aida(7, {1, 0x80, 0, 0}, "\t[SMEP]") + aida(7, {}) + aida(0x80000000, {0x80000001, 0, 0, 0}) +
                             aida(0x80000001, {}) + aida(0x80000002, echo) + aida(0x8FFFFFFF, echo) +
                             aida(0xC0000000, echo) + aida(0x80860000, echo) + aida(0x40000000, echo)));
    CHECK(table_of(host).rows.size() == 6);
    CHECK(contains(note_text(host, "rows-beyond-maximum"), " 7 rows "));
    CHECK(table_of(host).unknown.empty());
}

TEST_CASE("an extended maximum that is none announces no extended range", "[instlatx64]") {
    const HostDump host =
        read(aida_cpu(3, aida(0x80000000, {0x00000C80, 0x1068, 0x64, 0}) + aida(0x80000001, {1, 2, 3, 4})));
    CHECK(table_of(host).rows.size() == 4);
    CHECK(table_of(host).unknown.empty());
}

TEST_CASE("only Centaur and Zhaoxin have leaf C0000000", "[instlatx64]") {
    const Registers centaur{1, 0x746E6543, 0x736C7561, 0x48727561};
    const std::string more = aida(0xC0000000, {0xC0000001, 0, 0, 0}) + aida(0xC0000001, {0, 0, 0, 0xDD});
    CHECK(value_of(read(aida(0, centaur) + aida(1, plain_leaf_1) + more), {0xC0000001, 0}).edx == 0xDD);
    CHECK(value_of(read(aida_cpu(3, more)), {0xC0000001, 0}).all_zero());
}

TEST_CASE("hypervisor leaves count only where the hypervisor bit is set", "[instlatx64]") {
    const std::string more = aida(0x40000000, {0x40000001, 0x4B4D564B, 0x564B4D56, 0x4D}) +
                             aida(0x40000001, {0x1007EFB, 0, 0, 0}) + aida(0x40000010, {5, 0, 0, 0}) +
                             aida(0x40000100, {0x20, 0, 0, 0});
    const HostDump guest = read(aida_cpu(3, more, {0x50654, 0, 0x80000000, 0}));
    CHECK(value_of(guest, {0x40000001, 0}).eax == 0x1007EFB);
    CHECK(table_of(guest).find({0x40000010, 0}) == nullptr);
    CHECK(table_of(guest).find({0x40000100, 0}) == nullptr);
    CHECK(table_of(read(aida_cpu(3, more))).find({0x40000001, 0}) == nullptr);
}

TEST_CASE("equal repeats of a row are one row; different ones are refused with both lines", "[instlatx64]") {
    CHECK(table_of(read(aida_cpu(3, aida(3, {})))).rows.size() == 4);
    const std::string message = refusal_text(aida_cpu(3, aida(3, {1, 0, 0, 0})));
    CHECK(contains(message, "host:5: expected one value of each leaf and subleaf in a logical CPU, as on line 4"));
    CHECK(contains(message, "found leaf 0x3 subleaf 0x0 with 0x00000001"));
}

TEST_CASE("a row of leaf 0 that stands twice begins no other CPU", "[instlatx64]") {
    const std::string leaf_0 = aida(0, intel_signature(3));
    const HostDump host = read("CPU 0:\n" + leaf_0 + aida_cpu(3));
    CHECK(numbers(host) == std::vector<std::uint32_t>{0});
    CHECK(host.hardware == read("CPU 0:\n" + aida_cpu(3)).hardware);
    CHECK(read(leaf_0 + aida_cpu(3) + leaf_0 + leaf_0 + aida_cpu(3)).hardware->cpus.size() == 2);
    // Another one, or one behind other rows, does.
    CHECK(contains(refusal_text(aida(0, intel_signature(2)) + aida_cpu(3)), "host:1: expected leaf 0x1"));
    CHECK(contains(refusal_text(leaf_0 + aida(4, {}) + aida_cpu(3)), "host:1: expected leaf 0x1"));
}

TEST_CASE("what differs in the ids of the last CPU is told by leaf and subleaf, in any order of the rows",
          "[instlatx64]") {
    const auto cpu = [](std::uint32_t id, bool is_reversed) {
        const std::string threads = aida_sub(0xB, 0, {1, 2, 0x100, id});
        const std::string cores = aida_sub(0xB, 1, {6, 48, 0x201, id});
        const std::string number = std::to_string(id);
        return "------[ Logical CPU #" + number + " ]------\n" +
               aida_cpu(0xB, is_reversed ? cores + threads : threads + cores,
                        {0x50654, id << 24U | 0x100800, 0x00200001, 0x10});
    };
    const bool first = GENERATE(false, true);
    const bool second = GENERATE(false, true);
    const HostDump host = read(cpu(0, first) + cpu(1, second) + cpu(2, second));
    for (std::uint32_t id = 0; id < 3; ++id) {
        CAPTURE(first, second, id);
        CHECK(value_of(host, {0x1, 0}, id).ebx >> 24U == id);
        CHECK(value_of(host, {0xB, 0}, id) == Registers{1, 2, 0x100, id});
        CHECK(value_of(host, {0xB, 1}, id) == Registers{6, 48, 0x201, id});
        CHECK(table_of(host, id).unknown == table_of(host).unknown);
    }
}

TEST_CASE("repeats of a row that differ in ids alone are refused on every CPU", "[instlatx64]") {
    const std::string row = aida_sub(0xB, 0, {1, 2, 0x100, 0});
    const std::string other = aida_sub(0xB, 0, {1, 2, 0x100, 1});
    const std::string first = "CPU 0:\n" + aida_cpu(0xB, row + row);
    CHECK(refusal_text(first + "CPU 1:\n" + aida_cpu(0xB, other + other)).empty());
    const std::string message = refusal_text(first + "CPU 1:\n" + aida_cpu(0xB, row + other));
    CHECK(contains(message, "host:14: expected one value of each leaf and subleaf in a logical CPU, as on line 13"));
}

TEST_CASE("CPUs that repeat the first are read alike whatever stands around their rows", "[instlatx64]") {
    const std::string cpu =
        aida_cpu(3, aida_sub(4, 0, {0x1C004121, 0x1C0003F, 0x3F, 0}) + "\nMSR 00000017: < FAILED >\n");
    const std::string plain = "CPU 0:\n" + cpu + "CPU 1:\n" + cpu + "CPU 2:\n" + cpu;
    const HostDump host = read(plain);
    REQUIRE(host.hardware->cpus.size() == 3);
    const auto around = GENERATE(values<std::pair<std::string, std::string>>(
        {{"", "\r\n"}, {"", " \n"}, {"", " \t\r\n"}, {"> ", "\n"}, {"   ", "\n"}, {"", "\n\n"}}));
    CAPTURE(around.first, around.second);
    std::string text;
    for (std::size_t at = 0; at < plain.size(); at = plain.find('\n', at) + 1)
        text += around.first + plain.substr(at, plain.find('\n', at) - at) + around.second;
    CHECK(read(text).hardware == host.hardware);
}

TEST_CASE("a row that is too short or too long is refused with its line", "[instlatx64]") {
    const auto row = GENERATE(
        as<std::string>{}, "CPUID 00000003: 00000001-F1BF97A9-00415FCE",
        "CPUID 00000003: 00000001-F1BF97A9-00415FCE-1000001", "CPUID 00000003: 00000001-F1BF97A9-00415FCE-100000100",
        "CPUID 00000003: 00000001-F1BF97A9-00415FCE-10000010-00000000",
        "CPUID 00000003: 00000001 F1BF97A9 00415FCE 10000010 00000000",
        "CPUID 00000003: 00000001-F1BF97A9-00415FCE-1000001G", "CPUID 00000003:", "CPUID 00000003",
        "CPUID 0000003: 00000001-F1BF97A9-00415FCE-10000010", "CPUID 000000003: 00000001-F1BF97A9-00415FCE-10000010");
    const std::string message = refusal_text(one_cpu_text + row + "\n");
    CHECK(contains(message, "host:5: expected a CPUID row"));
    CHECK(contains(message, row));
}

TEST_CASE("a logical CPU without leaf 0 or leaf 1 is refused", "[instlatx64]") {
    CHECK(contains(refusal_text(aida(1, plain_leaf_1)), "host:1: expected leaf 0x0 in each logical CPU, found none"));
    CHECK(contains(refusal_text(aida(0, intel_signature(3))), "host:1: expected leaf 0x1"));
    CHECK(contains(refusal_text(aida(0, intel_signature(0)) + aida(1, plain_leaf_1)), "one beyond the maximum leaf"));
    CHECK(contains(refusal_text("------[ Logical CPU #0 ]------\n" + one_cpu_text + "------[ Logical CPU #1 ]------\n" +
                                aida(1, plain_leaf_1)),
                   "host:7: expected leaf 0x0"));
    CHECK(contains(refusal_text("------[ Logical CPU #0 ]------\n"), "host: expected CPUID rows, found none"));
}

TEST_CASE("a damaged maximum leaf is refused", "[instlatx64]") {
    CHECK(contains(refusal_text(aida(0, intel_signature(0xFFFFFFFF)) + aida(1, plain_leaf_1)), "expected leaf 0x0"));
}

TEST_CASE("CPUs of two vendors are refused where the second begins", "[instlatx64]") {
    const std::string message = refusal_text(one_cpu_text + aida(0, amd_signature(1)) + aida(1, plain_leaf_1));
    CHECK(message == "host:5: expected CPUs of one vendor, \"GenuineIntel\", found \"AuthenticAMD\"");
}

TEST_CASE("an unheard-of vendor is read", "[instlatx64]") {
    const HostDump host = read("CPUID 00000000: 00000001-756E6547-6C65746F-49656E69\n" + aida(1, plain_leaf_1));
    CHECK(vendor_string(table_of(host)) == "GenuineIotel");
}

TEST_CASE("MSRs that never change are kept; faults are kept as faults", "[instlatx64]") {
    const HostDump host = read(aida_cpu(3) +
                               "------[ MSR Registers / Logical CPU #0 ]------\n"
                               "MSR 00000010: 0000-0001-0000-0000 [time]\nMSR 0000001B: 0000-0000-FEE0-0900\n"
                               "MSR C0010070: < FAILED >\n"
                               "------[ MSR Registers / Logical CPU # Multiplier,36.0x ]------\n"
                               "MSR 00000010  \t0000-0002-0000-0000\nMSR 0000001B  \t0000-0000-FEE0-0900 [S200]\n"
                               "MSR C0010070  \t< FAILED >\nMSR 000000CE: 0008-0833-F181-2A00\n");
    CHECK(host.hardware->cpus.size() == 1);
    CHECK(host.hardware->msrs == std::vector<MsrRow>{{0x1B, 0xFEE00900}, {0xCE, 0x00080833F1812A00}, {0xC0010070, {}}});
    CHECK(contains(note_text(host, "msr-not-constant"), " 1 MSRs "));
}

TEST_CASE("an MSR that faults on some CPUs only says nothing of the host", "[instlatx64]") {
    const HostDump host = read(one_cpu_text + "MSR 0000010A: < FAILED >\nMSR 0000010A: 0000-0000-0000-0001\n");
    REQUIRE(host.hardware->msrs);
    CHECK(host.hardware->msrs->empty());
    CHECK(has_note(host, "msr-not-constant"));
}

TEST_CASE("a dump without MSR rows knows nothing of MSRs", "[instlatx64]") {
    CHECK_FALSE(read(one_cpu_text + "------[ MSR Registers ]------\nMSR Registers:\n").hardware->msrs);
}

TEST_CASE("a damaged MSR row is refused", "[instlatx64]") {
    const auto row = GENERATE(as<std::string>{}, "MSR 0000001B: 0000-0000-FEE0", "MSR 0000001B: 0000-0000-FEE0-09000",
                              "MSR 0000001B:", "MSR 0000001B: FAILED", "MSR 0000001B: 0000-0000-FEE0-0900-0000");
    CHECK(contains(refusal_text(one_cpu_text + row + "\n"), "host:5: expected an MSR row"));
}

TEST_CASE("the 80 dashes of a .test file end the dump, a header does not", "[instlatx64]") {
    const std::string text = one_cpu_text + std::string(80, '-') + "\nx86\nCPUID of it\n";
    CHECK(read(text).hardware->cpus.size() == 1);
    CHECK(contains(refusal_text(one_cpu_text + std::string(79, '-') + "\nCPUID 00000003: garbage\n"), "host:6:"));
}

TEST_CASE("a dump beyond the limits is refused", "[instlatx64]") {
    std::string rows = one_cpu_text;
    for (std::size_t i = 0; i <= limits::rows_per_cpu; ++i) rows += aida(3, {});
    CHECK(contains(refusal_text(rows), "expected at most 4096 CPUID rows of a logical CPU, found more"));
    std::string cpus;
    for (std::size_t i = 0; i <= limits::logical_cpus; ++i) cpus += aida(0, intel_signature(1)) + aida(1, plain_leaf_1);
    CHECK(contains(refusal_text(cpus), "expected at most 8192 logical CPUs, found more"));
    CHECK(contains(refusal_text(one_cpu_text + std::string(limits::line_bytes + 1, ' ')),
                   "host:5: expected a line of at most"));
}

TEST_CASE("InstLatx64 text is told from other text", "[instlatx64]") {
    CHECK(is_instlatx64("CPUID 00000007: short"));
    CHECK_FALSE(is_instlatx64(""));
    CHECK_FALSE(is_instlatx64("CPUID Registers (CPU #1):\nCPUID Manufacturer: GenuineIntel\nCPUID CPU Name : x\n"));
    CHECK_FALSE(is_instlatx64("CPU 0:\n   0x00000000 0x00: eax=0x00000001 ebx=0x0 ecx=0x0 edx=0x0\n"));
    CHECK_FALSE(is_instlatx64("basic_cpuid[0]=00000001 756e6547 6c65746e 49656e69\n"));
}

}  // namespace poolcpuid::test::instlatx64_test
