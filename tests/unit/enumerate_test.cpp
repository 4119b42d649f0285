// Enumerating CPUID asks for every leaf and subleaf that a CPU has, and for nothing else: on fake CPUs that
// answer as real dumps say, and on small invented ones, one for each way in which a leaf lists its subleaves.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "capture/enumerate.hpp"
#include "dump/leaf_shapes.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/host_builder.hpp"

namespace poolcpuid::test::enumerate_test {

using capture::Enumeration;

namespace {

// A CPU that answers as table says: leaves without subleaves whatever ECX is, and, beyond the maximum of a
// range, the highest basic leaf, as Intel's do.
class FakeCpu {
public:
    explicit FakeCpu(const CpuidTable& table) : table_(table) {}

    Registers operator()(std::uint32_t leaf, std::uint32_t subleaf) const {
        if (!dump::within_maximum(table_, leaf)) leaf = *dump::maximum_leaf(table_, 0);
        const Registers* value = table_.find({leaf, dump::has_subleaves(leaf) ? subleaf : 0});
        return value == nullptr ? Registers{} : *value;
    }

private:
    const CpuidTable& table_;
};

Enumeration enumerate(const CpuidTable& table) { return capture::enumerate_cpuid(FakeCpu(table)); }
Enumeration enumerate(const test::TableBuilder& builder) { return enumerate(builder.table()); }

// True behind the end of a list of caches or topology levels: some tools ask on, and get the end again.
bool is_beyond_end(const CpuidTable& table, LeafKey key) {
    const Registers* before = key.subleaf == 0 ? nullptr : table.find({key.leaf, key.subleaf - 1});
    if (before == nullptr) return false;
    if (key.leaf == 0x4) return (before->eax & 0x1F) == 0;
    return (key.leaf == 0xB || key.leaf == 0x1F) && (before->ecx & 0xFF00) == 0;
}

std::map<LeafKey, Registers> content(const CpuidTable& table) {
    std::map<LeafKey, Registers> rows;
    for (const CpuidRow& row : table.rows) {
        if (!row.value.all_zero() && !is_beyond_end(table, row.key)) rows.emplace(row.key, row.value);
    }
    return rows;
}

std::string text_of(const std::map<LeafKey, Registers>& rows) {
    std::string text;
    for (const auto& [key, value] : rows) {
        text += Catch::StringMaker<std::uint32_t>::convert(key.leaf) + "." + std::to_string(key.subleaf) + " ";
    }
    return text;
}

// Rows of a that b does not have.
std::map<LeafKey, Registers> difference(const std::map<LeafKey, Registers>& a, const std::map<LeafKey, Registers>& b) {
    std::map<LeafKey, Registers> rows;
    for (const auto& [key, value] : a) {
        const auto same = b.find(key);
        if (same == b.end() || same->second != value) rows.emplace(key, value);
    }
    return rows;
}

// The subleaves of leaf that were read.
std::vector<std::uint32_t> subleaves(const Enumeration& answers, std::uint32_t leaf) {
    std::vector<std::uint32_t> found;
    for (const CpuidRow& row : answers.cpuid.rows) {
        if (row.key.leaf == leaf) found.push_back(row.key.subleaf);
    }
    return found;
}

using Subleaves = std::vector<std::uint32_t>;

test::TableBuilder cpu_up_to(std::uint32_t leaf) { return intel_table().reg(0x0, 0, Register::eax, leaf); }

}  // namespace

TEST_CASE("enumerating a CPU that answers as a real dump gives the dump", "[capture][corpus]") {
    for (const HostDump& host : real_hosts()) {
        if (!host.hardware) continue;
        for (const LogicalCpu& cpu : host.hardware->cpus) {
            const Enumeration answers = enumerate(cpu.cpuid);
            const auto read = content(answers.cpuid);
            const auto expected = content(cpu.cpuid);
            INFO(host.name << " CPU " << cpu.number);
            CHECK(text_of(difference(read, expected)) == "");
            CHECK(text_of(difference(expected, read)) == "");
            CHECK_FALSE(answers.cut);
        }
    }
}

TEST_CASE("every leaf up to the maximum has a row, zeros included, in order and once", "[capture]") {
    const Enumeration answers = enumerate(cpu_up_to(0xA));
    for (std::uint32_t leaf = 0; leaf <= 0xA; ++leaf) CHECK(answers.cpuid.find({leaf, 0}) != nullptr);
    for (std::uint32_t leaf = 0x80000000; leaf <= 0x80000008; ++leaf) CHECK(answers.cpuid.find({leaf, 0}) != nullptr);
    CHECK(answers.cpuid.rows.size() == 11 + 9);
    CHECK(std::adjacent_find(answers.cpuid.rows.begin(), answers.cpuid.rows.end(),
                             [](const CpuidRow& a, const CpuidRow& b) { return a.key >= b.key; }) ==
          answers.cpuid.rows.end());
    CHECK(answers.cpuid.unknown.empty());
}

TEST_CASE("caches are listed up to the first without a type", "[capture]") {
    const auto leaf = GENERATE(as<std::uint32_t>{}, 0x4, 0x8000001D);
    auto cpu = cpu_up_to(0x4).reg(0x80000000, 0, Register::eax, 0x8000001D);
    cpu.row(leaf, 0, {0x121, 1, 2, 0}).row(leaf, 1, {0x143, 1, 2, 0}).row(leaf, 3, {0x163, 1, 2, 0});
    CHECK(subleaves(enumerate(cpu), leaf) == Subleaves{0, 1});
}

TEST_CASE("topology levels are listed up to the first without a type, which is kept for what else it says",
          "[capture]") {
    const auto leaf = GENERATE(as<std::uint32_t>{}, 0xB, 0x1F, 0x80000026);
    auto cpu = cpu_up_to(0x1F).reg(0x80000000, 0, Register::eax, 0x80000026);
    cpu.row(leaf, 0, {1, 2, 0x100, 7}).row(leaf, 1, {5, 16, 0x201, 7}).row(leaf, 2, {0, 0, 2, 7});
    CHECK(subleaves(enumerate(cpu), leaf) == Subleaves{0, 1, 2});
}

TEST_CASE("leaves that count their subleaves are read up to the highest, zeros included", "[capture]") {
    const auto leaf = GENERATE(as<std::uint32_t>{}, 0x7, 0x14, 0x17, 0x18, 0x1D, 0x1E, 0x20, 0x24);
    auto cpu = cpu_up_to(0x24).row(leaf, 0, {2, 0, 0, 0}).row(leaf, 2, {0, 1, 0, 0}).row(leaf, 3, {0, 1, 0, 0});
    CHECK(subleaves(enumerate(cpu), leaf) == Subleaves{0, 1, 2});
}

TEST_CASE("leaves with a bit for each subleaf are read where the bit is set", "[capture]") {
    struct Case {
        std::uint32_t leaf;
        Registers announcing;
    };
    const auto [leaf, announcing] = GENERATE(Case{0xF, {0, 0xFF, 0, 0x2A}}, Case{0x10, {0, 0x2A, 0, 0}},
                                             Case{0x23, {0x2B, 0, 0, 0}}, Case{0x80000020, {0, 0x2A, 0, 0}});
    auto cpu = cpu_up_to(0x23).reg(0x80000000, 0, Register::eax, 0x80000020).row(leaf, 0, announcing);
    for (std::uint32_t subleaf = 1; subleaf < 8; ++subleaf) cpu.row(leaf, subleaf, {subleaf, 0, 0, 0});
    CHECK(subleaves(enumerate(cpu), leaf) == Subleaves{0, 1, 3, 5});
}

TEST_CASE("every state component that XCR0 or IA32_XSS may enable is read", "[capture]") {
    auto cpu = cpu_up_to(0xD)
                   .row(0xD, 0, {0x207, 0x340, 0xA88, 0x40000000})
                   .row(0xD, 1, {0xF, 0x380, 0x3800, 0x1})
                   .row(0xD, 2, {0x100, 0x240, 0, 0})
                   .row(0xD, 9, {8, 0xA80, 0, 0})
                   .row(0xD, 10, {0, 0, 0, 0})
                   .row(0xD, 11, {16, 0, 1, 0})
                   .row(0xD, 12, {24, 0, 1, 0})
                   .row(0xD, 19, {0x80, 0x3C0, 0, 0})  // described but not announced
                   .row(0xD, 13, {0, 0, 0, 0})         // announced but empty, as is 32
                   .row(0xD, 62, {0x80, 0x340, 0, 0});
    CHECK(subleaves(enumerate(cpu), 0xD) == Subleaves{0, 1, 2, 9, 11, 12, 13, 19, 32, 62});
}

TEST_CASE("a CPU without XSAVE has no subleaves of leaf Dh", "[capture]") {
    CHECK(subleaves(enumerate(cpu_up_to(0xD)), 0xD) == Subleaves{0});
}

TEST_CASE("SGX: two leaves of capabilities, then sections up to the first that is none", "[capture]") {
    auto cpu = cpu_up_to(0x12).row(0x12, 0, {3, 0, 0, 0x241F}).row(0x12, 1, {0x36, 0, 7, 0});
    CHECK(subleaves(enumerate(cpu), 0x12) == Subleaves{0, 1});
    cpu.row(0x12, 2, {0x70180001, 0, 0x5F80001, 0}).row(0x12, 3, {0x70200001, 0, 1, 0});
    CHECK(subleaves(enumerate(cpu), 0x12) == Subleaves{0, 1, 2, 3});
}

TEST_CASE("hypervisor leaves are read in blocks, where leaf 1 shows a hypervisor", "[capture]") {
    auto cpu = cpu_up_to(0x7)
                   .row(0x40000000, 0, {0x40000002, 1, 2, 3})
                   .row(0x40000001, 0, {4, 0, 0, 0})
                   .row(0x40000100, 0, {0x40000101, 0x4B4D564B, 0x564B4D56, 0x4D})
                   .row(0x40000101, 0, {5, 0, 0, 0});
    CHECK(enumerate(cpu).cpuid.find({0x40000000, 0}) == nullptr);
    const Enumeration guest = enumerate(cpu.set(0x1, 0, Register::ecx, 1U << 31U));
    for (const std::uint32_t leaf : {0x40000000U, 0x40000001U, 0x40000002U, 0x40000100U, 0x40000101U}) {
        CHECK(guest.cpuid.find({leaf, 0}) != nullptr);
    }
    CHECK(guest.cpuid.find({0x40000003, 0}) == nullptr);
    CHECK(guest.cpuid.find({0x40000200, 0}) == nullptr);
    // Old KVM: the maximum 0 stands for the second leaf.
    const Enumeration old = enumerate(cpu.row(0x40000000, 0, {0, 0x4B4D564B, 0x564B4D56, 0x4D}));
    CHECK(old.cpuid.find({0x40000001, 0})->eax == 4);
    CHECK(old.cpuid.find({0x40000002, 0}) == nullptr);
}

TEST_CASE("Centaur's and Zhaoxin's leaves are read on their CPUs", "[capture]") {
    auto cpu = base_table("  Shanghai  ", 0x000107B0);
    cpu.row(0xC0000000, 0, {0xC0000001, 0, 0, 0}).row(0xC0000001, 0, {0, 0, 0, 0x1FC});
    CHECK(enumerate(cpu).cpuid.find({0xC0000001, 0})->edx == 0x1FC);
}

TEST_CASE("what a damaged CPU announces costs little and is not taken for zero", "[capture]") {
    SECTION("subleaves") {
        const auto leaf = GENERATE(as<std::uint32_t>{}, 0x7, 0x24);
        const Enumeration answers = enumerate(cpu_up_to(0x24).row(leaf, 0, {0xFFFFFFFF, 0, 0, 0}));
        CHECK(subleaves(answers, leaf).size() == 64);
        CHECK(answers.cpuid.is_unknown({leaf, 64}));
        CHECK_FALSE(answers.cpuid.is_unknown({leaf, 63}));
    }
    SECTION("a list without an end") {
        auto cpu = cpu_up_to(0x4);
        for (std::uint32_t subleaf = 0; subleaf < 200; ++subleaf) cpu.row(0x4, subleaf, {0x121, 0, 0, 0});
        const Enumeration answers = enumerate(cpu);
        CHECK(subleaves(answers, 0x4).size() == 64);
        CHECK(answers.cpuid.is_unknown({0x4, 64}));
    }
    SECTION("leaves") {
        const Enumeration answers = enumerate(cpu_up_to(0xFFFF));
        CHECK(answers.cut);
        CHECK(answers.cpuid.find({0xFF, 0}) != nullptr);
        CHECK(answers.cpuid.find({0x100, 0}) == nullptr);
        CHECK(answers.cpuid.find({0x80000008, 0}) != nullptr);
    }
    SECTION("hypervisor blocks") {
        auto cpu = cpu_up_to(0x7).set(0x1, 0, Register::ecx, 1U << 31U);
        for (std::uint32_t block = 0x40000000; block < 0x40010000; block += 0x100)
            cpu.row(block, 0, {block | 0xFF, 0, 0, 0});
        const Enumeration answers = enumerate(cpu);
        CHECK(answers.cut);
        CHECK(answers.cpuid.rows.size() <= limits::rows_per_cpu);
        CHECK(answers.cpuid.find({0x80000008, 0}) != nullptr);
    }
}

}  // namespace poolcpuid::test::enumerate_test
