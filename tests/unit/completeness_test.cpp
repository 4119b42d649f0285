// What a dump leaves unknown, by format: absent is not always zero.

#include "dump/completeness.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"
#include "tests/unit/text_dump_samples.hpp"

namespace poolcpuid::test::completeness_test {

using dump::Format;
using dump::format_of;
using dump::formats;
using dump::mark_unknown;

namespace {

using Unknown = std::vector<UnknownRow>;

// A table with leaves 0 and 1, zeros in the other basic leaves up to maximum, and more rows over these.
CpuidTable table_with(std::uint32_t maximum, const std::vector<CpuidRow>& more,
                      const Registers& features = plain_leaf_1, const Registers& signature = intel_signature(0)) {
    std::map<LeafKey, Registers> rows;
    for (std::uint32_t leaf = 2; leaf <= maximum; ++leaf) rows[{leaf, 0}] = {};
    rows[{0, 0}] = {maximum, signature.ebx, signature.ecx, signature.edx};
    rows[{1, 0}] = features;
    for (const CpuidRow& row : more) rows[row.key] = row.value;
    CpuidTable table;
    for (const auto& [key, value] : rows) table.rows.push_back({key, value});
    return table;
}

void remove(CpuidTable& table, std::uint32_t leaf) {
    std::erase_if(table.rows, [&](const CpuidRow& row) { return row.key.leaf == leaf; });
}

Unknown unknown_of(CpuidTable table, const Format& format) {
    mark_unknown(table, format);
    return table.unknown;
}

constexpr std::array listing_formats{format_of("instlatx64"), format_of("libvirt"), format_of("cpuid-r"),
                                     format_of("libcpuid")};

}  // namespace

TEST_CASE("a complete table has nothing unknown in any format", "[completeness]") {
    for (const Format& format : formats) {
        CpuidTable table = table_with(0x16, {});
        const CpuidTable before = table;
        CHECK_FALSE(mark_unknown(table, format));
        CHECK(table == before);
    }
}

TEST_CASE("a missing plain leaf is unknown where the format prints zeros, else zero", "[completeness]") {
    CpuidTable table = table_with(0x16, {});
    remove(table, 6);
    remove(table, 7);
    for (const Format& format : listing_formats) CHECK(unknown_of(table, format) == Unknown{{6, {}}, {7, {}}});
    CHECK(unknown_of(table, format_of("kcpuid")).empty());
    CHECK(unknown_of(table, format_of("firecracker")).empty());
}

TEST_CASE("our own document states itself what is unknown", "[completeness]") {
    CpuidTable table = table_with(0x16, {{{7, 0}, {2, 0, 0, 0}}});
    remove(table, 6);
    table.unknown = {{6, {}}};
    CHECK(unknown_of(table, format_of("host-json")) == Unknown{{6, {}}});
}

TEST_CASE("AIDA leaves out leaves with subleaves that are zeros", "[completeness]") {
    CpuidTable table = table_with(0x1F, {{{0x80000000, 0}, {0x80000020, 0, 0, 0}}});
    for (std::uint32_t leaf = 0x80000001; leaf < 0x80000020; ++leaf) table.rows.push_back({{leaf, 0}, {}});
    for (const std::uint32_t leaf : {0x4U, 0xBU, 0x1BU, 0x1FU, 0x8000001DU}) remove(table, leaf);
    CHECK_FALSE(mark_unknown(table, format_of("instlatx64")));
    CHECK(table.unknown.empty());
    CHECK_FALSE(table.is_unknown({0x4, 0}));
}

TEST_CASE("a leaf that a feature bit announces is not zeros when it is missing", "[completeness]") {
    CpuidTable table = table_with(0x1E, {{{7, 0}, {0, 0, 0, 0x01000000}}}, xsave_leaf_1);
    for (const std::uint32_t leaf : {0xDU, 0x1DU, 0x1EU}) remove(table, leaf);
    for (const Format& format : {format_of("instlatx64"), format_of("kcpuid"), format_of("firecracker")}) {
        CHECK(unknown_of(table, format) == Unknown{{0xD, {}}, {0x1D, {}}, {0x1E, {}}});
    }
}

TEST_CASE("of each leaf that a feature bit announces the loss is told from zeros", "[completeness]") {
    constexpr std::uint32_t maximum = 0x80000020;
    const auto unknown = [](const Format& format, LeafKey key, const Registers& value) {
        CpuidTable table = table_with(0x1B, {});
        for (std::uint32_t leaf = 0x80000000; leaf <= maximum; ++leaf) table.rows.push_back({{leaf, 0}, {}});
        for (CpuidRow& row : table.rows) {
            if (row.key.leaf == 0x80000000) row.value.eax = maximum;
            if (row.key == key) row.value = value;
        }
        for (const std::uint32_t leaf : {0xBU, 0xFU, 0x10U, 0x12U, 0x1BU, 0x8000001DU, maximum}) remove(table, leaf);
        return unknown_of(table, format);
    };
    struct Row {
        LeafKey key;
        Registers value;
        std::uint32_t announced;
        bool in_guests;  // a hypervisor's list has zeros there, and fills them in
    };
    for (const Row& row :
         {Row{{1, 0}, {0x00050654, 0, 1U << 21, 0}, 0xB, false}, Row{{7, 0}, {0, 1U << 2, 0, 0}, 0x12, true},
          Row{{7, 0}, {0, 1U << 12, 0, 0}, 0xF, true}, Row{{7, 0}, {0, 1U << 15, 0, 0}, 0x10, true},
          Row{{7, 0}, {0, 0, 0, 1U << 18}, 0x1B, true}, Row{{0x80000001, 0}, {0, 0, 1U << 22, 0}, 0x8000001D, false},
          Row{{0x80000008, 0}, {0, 1U << 6, 0, 0}, maximum, true}}) {
        CAPTURE(row.announced);
        CHECK(unknown(format_of("cpuid-r"), row.key, {}).empty());
        CHECK(unknown(format_of("cpuid-r"), row.key, row.value) == Unknown{{row.announced, {}}});
        CHECK(unknown(format_of("kvm"), row.key, row.value).empty() != row.in_guests);
    }
}

TEST_CASE("subleaves that subleaf 0 counts are unknown when missing", "[completeness]") {
    const CpuidTable table = table_with(0x18, {{{7, 0}, {2, 0, 0, 0}},
                                               {{7, 2}, {}},
                                               {{0x14, 0}, {1, 0, 0, 0}},
                                               {{0x18, 0}, {2, 0, 0, 0}},
                                               {{0x18, 1}, {0, 1, 1, 1}}});
    CHECK(unknown_of(table, format_of("instlatx64")) == Unknown{{7, 1}, {0x14, 1}, {0x18, 2}});
    CHECK(unknown_of(table, format_of("cpuid-r")) == Unknown{{7, 1}, {0x14, 1}, {0x18, 2}});
    CHECK(unknown_of(table, format_of("firecracker")).empty());
}

TEST_CASE("a leaf that has lost its subleaf 0 is not zeros there, in any format with habits", "[completeness]") {
    for (const Format& format : formats) {
        if (!format.habits) continue;
        CAPTURE(format.word);
        CpuidTable table = table_with(0x16, {{{7, 0}, {2, 0x20, 0, 0}}, {{7, 1}, {0x10, 0, 0, 0}}});
        std::erase_if(table.rows, [](const CpuidRow& row) { return row.key == LeafKey{7, 0}; });
        mark_unknown(table, format);
        CHECK(table.is_unknown({7, 0}));
        CHECK_FALSE(table.is_unknown({7, 1}));
        CHECK(table.is_unknown({7, 2}));
    }
}

TEST_CASE("a missing subleaf of AMX is unknown as a missing subleaf of leaf 7 is", "[completeness]") {
    const std::vector<CpuidRow> amx{{{7, 0}, {1, 0, 0, 0x01000000}}, {{0x1E, 0}, {1, 0x4010, 0, 0}}};
    for (const Format& format : listing_formats) {
        CHECK(unknown_of(table_with(0x1E, amx), format) == Unknown{{7, 1}, {0x1E, 1}});
    }
    CHECK(unknown_of(table_with(0x1E, amx), format_of("kcpuid")) == Unknown{{0x1E, 1}});  // it lists leaf 7's
    // Sapphire Rapids has AMX and no subleaf 1.
    const std::vector<CpuidRow> first{{{7, 0}, {0, 0, 0, 0x01000000}}, {{0x1E, 0}, {0, 0x4010, 0, 0}}};
    for (const Format& format : listing_formats) CHECK(unknown_of(table_with(0x1E, first), format).empty());
}

TEST_CASE("subleaves that a bitmap announces are unknown when missing", "[completeness]") {
    const std::vector<CpuidRow> rows{
        {{0xF, 0}, {0, 0, 0, 2}}, {{0x10, 0}, {0, 0xA, 0, 0}}, {{0x10, 1}, {19, 0, 4, 14}}};
    CHECK(unknown_of(table_with(0x10, rows), format_of("instlatx64")) == Unknown{{0xF, 1}, {0x10, 3}});
    // A row of zeros is not printed, and the last one may have been cut off.
    CHECK(unknown_of(table_with(0x10, rows), format_of("kcpuid")) == Unknown{{0x10, 3}});
    std::vector<CpuidRow> whole = rows;
    whole.push_back({{0x10, 3}, {9, 0, 4, 7}});
    CHECK(unknown_of(table_with(0x10, whole), format_of("kcpuid")).empty());
}

TEST_CASE("leaf 23h announces its subleaves with a bitmap", "[completeness]") {
    const CpuidTable table = table_with(0x23, {{{0x23, 0}, {0xB, 0, 0, 0}}, {{0x23, 1}, {}}});
    CHECK(unknown_of(table, format_of("instlatx64")) == Unknown{{0x23, 3}});
}

TEST_CASE("a count of subleaves that cannot be true makes the leaf unknown as a whole", "[completeness]") {
    CpuidTable table = table_with(7, {{{7, 0}, {0xFFFFFFFF, 0, 0, 0}}});
    mark_unknown(table, format_of("cpuid-r"));
    CHECK(table.unknown == Unknown{{7, {}}});
    CHECK_FALSE(table.is_unknown({7, 0}));
    CHECK(table.is_unknown({7, 1}));
    CHECK(table.is_unknown({7, 0x12345}));
}

TEST_CASE("an announced XSAVE component without a size is unknown in every format", "[completeness]") {
    const std::vector<CpuidRow> rows{{{0xD, 0}, {0x207, 0x340, 0xA88, 0}},
                                     {{0xD, 1}, {0xF, 0x340, 0x1800, 0}},
                                     {{0xD, 2}, {0x100, 0x240, 0, 0}},
                                     {{0xD, 9}, {}},  // some tools print zeros for their last row
                                     {{0xD, 11}, {0x10, 0, 1, 0}}};
    for (const Format& format : {format_of("instlatx64"), format_of("cpuid-r"), format_of("kcpuid"),
                                 format_of("libvirt"), format_of("firecracker")}) {
        CpuidTable table = table_with(0xD, rows, xsave_leaf_1);
        CHECK_FALSE(mark_unknown(table, format));
        CHECK(table.unknown == Unknown{{0xD, 9}, {0xD, 12}});
        CHECK(table.find({0xD, 9}) == nullptr);
    }
}

TEST_CASE("XSAVE components in the upper half of XCR0 count", "[completeness]") {
    const CpuidTable table =
        table_with(0xD, {{{0xD, 0}, {0x7, 0x340, 0x3C0, 0x40000000}}, {{0xD, 2}, {0x100, 0x240, 0, 0}}}, xsave_leaf_1);
    CHECK(unknown_of(table, format_of("instlatx64")) == Unknown{{0xD, 1}, {0xD, 62}});
}

// Dumps of Ivy Bridge, which has XSAVEOPT, lack the row (libvirt's x86_64-cpuid-Core-i7-3740QM).
TEST_CASE("with XSAVE subleaf 1 is unknown where a format prints zeros and it is missing", "[completeness]") {
    CHECK(unknown_of(table_with(0xD, {}), format_of("libcpuid")).empty());
    const CpuidTable without =
        table_with(0xD, {{{0xD, 0}, {7, 0x340, 0x340, 0}}, {{0xD, 2}, {0x100, 0x240, 0, 0}}}, xsave_leaf_1);
    for (const Format& format : {format_of("instlatx64"), format_of("cpuid-r"), format_of("libvirt")}) {
        CHECK(unknown_of(without, format) == Unknown{{0xD, 1}});
    }
    for (const Format& format : {format_of("firecracker"), format_of("kcpuid")}) {
        CHECK(unknown_of(without, format).empty());
    }
}

TEST_CASE("libcpuid has no place for most subleaves", "[completeness]") {
    const CpuidTable table = table_with(0x1F,
                                        {{{4, 0}, {0x121, 0, 0, 0}},
                                         {{4, 1}, {0x122, 0, 0, 0}},
                                         {{7, 0}, {2, 0, 0, 0}},
                                         {{0xD, 0}, {7, 0x340, 0x340, 0}},
                                         {{0xF, 0}, {0, 0, 0, 2}},
                                         {{0x14, 0}, {1, 0, 0, 0}},
                                         {{0x14, 1}, {2, 0, 0, 0}}},
                                        xsave_leaf_1);
    CHECK(unknown_of(table, format_of("libcpuid")) == Unknown{{7, 1}, {7, 2}, {0xD, {}}, {0xF, 1}});
}

TEST_CASE("libcpuid has no place for leaves from 20h and 80000020h on", "[completeness]") {
    CpuidTable table = table_with(0x21, {{{0x80000000, 0}, {0x80000021, 0, 0, 0}}});
    for (std::uint32_t leaf = 0x80000001; leaf < 0x80000020; ++leaf) table.rows.push_back({{leaf, 0}, {}});
    remove(table, 0x20);
    remove(table, 0x21);
    CHECK_FALSE(mark_unknown(table, format_of("libcpuid")));  // nothing was cut off
    CHECK(table.unknown == Unknown{{0x20, {}}, {0x21, {}}, {0x80000020, {}}, {0x80000021, {}}});
}

TEST_CASE("kcpuid has subleaves of some leaves, of others on AMD", "[completeness]") {
    const std::vector<CpuidRow> rows{
        {{0xB, 0}, {1, 2, 0x100, 0}}, {{0x12, 0}, {1, 0, 0, 0}}, {{0x17, 0}, {2, 0, 0, 0}}, {{0x18, 0}, {2, 0, 0, 0}}};
    CHECK(unknown_of(table_with(0x18, rows), format_of("kcpuid")) ==
          Unknown{{0x12, {}}, {0x17, 1}, {0x17, 2}, {0x18, 1}, {0x18, 2}});
    const std::vector<CpuidRow> whole{
        rows[0], {{0x80000000, 0}, {0x80000008, 0, 0, 0}}, {{0x80000008, 0}, {0x3030, 0, 0, 0}}};
    CHECK(unknown_of(table_with(0xB, whole, plain_leaf_1, amd_signature(0)), format_of("kcpuid")) ==
          Unknown{{0xB, {}}});
}

TEST_CASE("on AMD kcpuid lists the caches of leaf 8000001Dh", "[completeness]") {
    CpuidTable table = table_with(2, {{{0x80000000, 0}, {0x8000001D, 0, 0, 0}}, {{0x8000001D, 0}, {0x121, 0, 0, 0}}},
                                  plain_leaf_1, amd_signature(0));
    CHECK(unknown_of(table, format_of("kcpuid")).empty());
    table.rows.front().value = intel_signature(2);
    CHECK(unknown_of(table, format_of("kcpuid")) == Unknown{{0x8000001D, {}}});
}

TEST_CASE("a dump that ends before its maximum leaf was cut off", "[completeness]") {
    CpuidTable table = table_with(7, {{{0x80000000, 0}, {0x80000002, 0, 0, 0}}, {{0x80000001, 0}, {}}});
    CHECK(mark_unknown(table, format_of("instlatx64")));
    CHECK(table.unknown == Unknown{{0x80000002, {}}});

    CpuidTable gap = table_with(7, {});
    remove(gap, 6);
    CHECK_FALSE(mark_unknown(gap, format_of("instlatx64")));  // a gap is no cut
}

TEST_CASE("a CPU with SSE2 has an extended range even if the dump lost it", "[completeness]") {
    CpuidTable table = table_with(2, {}, {0xF25, 0, 0, 0x04000000});
    CHECK(mark_unknown(table, format_of("instlatx64")));
    CHECK(table.is_unknown({0x80000000, 0}));
    CHECK(table.is_unknown({0x80000008, 0}));
    CHECK(table.is_unknown({0x80000021, 0}));

    CpuidTable pentium = table_with(2, {}, {0x543, 0, 0, 0x008001BF});
    CHECK_FALSE(mark_unknown(pentium, format_of("instlatx64")));
    CHECK(pentium.unknown.empty());
}

TEST_CASE("the logical CPUs that were cut off are named", "[completeness]") {
    const std::string whole = aida_cpu(3, aida(0x80000000, {0x80000001, 0, 0, 0}) + aida(0x80000001, {}));
    const HostDump host = dump::read_instlatx64({whole + aida_cpu(3, aida(0x80000000, {0x80000001, 0, 0, 0})), "host"});
    CHECK(table_of(host, 0).unknown.empty());
    CHECK(table_of(host, 1).unknown == Unknown{{0x80000001, {}}});
    CHECK(note_text(host, "truncated") ==
          "The rows of logical CPU 1 end before the maximum leaf: what is missing is unknown.");
}

TEST_CASE("no maximum, however large, costs more than a few hundred unknown rows", "[completeness]") {
    CpuidTable table = table_with(1, {{{0x80000000, 0}, {0x8000FFFF, 0, 0, 0}}});
    table.rows.front().value.eax = 0xFFFF;
    CHECK(mark_unknown(table, format_of("cpuid-r")));
    CHECK(table.unknown.size() < 200);
}

}  // namespace poolcpuid::test::completeness_test
