// Random hosts for the laws: bits where the rulebook has fields, and all that dumps are known to get
// wrong: unknown rows, cut maxima, XSAVE rows that conflict or are empty, uneven CPUs, narrow views,
// lists of MSRs with gaps.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/host_builder.hpp"
#include "tests/support/msr_generator.hpp"
#include "tests/support/random.hpp"
#include "tests/support/rulebook_files.hpp"

namespace poolcpuid::test {

// The seed of this run: $POOLCPUID_SEED, else always the same. Printed once, for whoever must repeat a failure.
inline std::uint32_t law_seed() {
    static const std::uint32_t seed = [] {
        const char* given = std::getenv("POOLCPUID_SEED");
        const auto value = given != nullptr ? static_cast<std::uint32_t>(std::stoul(given, nullptr, 0)) : 20231003U;
        std::cerr << "laws: POOLCPUID_SEED=" << value << "\n";
        return value;
    }();
    return seed;
}

class HostGenerator {
public:
    explicit HostGenerator(std::uint32_t seed) : random_(seed) {}
    HostGenerator(const HostGenerator&) = delete;  // its parts share one stream of numbers
    HostGenerator& operator=(const HostGenerator&) = delete;

    std::uint32_t below(std::uint32_t end) { return random_.below(end); }
    bool one_in(std::uint32_t n) { return random_.one_in(n); }

    // A vendor string; Intel and AMD the most.
    std::string vendor() {
        static const std::array<const char*, 8> strings{"GenuineIntel", "GenuineIntel", "GenuineIntel", "AuthenticAMD",
                                                        "AuthenticAMD", "HygonGenuine", "  Shanghai  ", "CentaurHauls"};
        return strings.at(below(strings.size()));
    }

    // Hosts of one pool: variations on a few designs, so that they agree on much and differ somewhere.
    std::vector<HostDump> pool(const std::string& vendor_name, std::size_t size) {
        std::vector<HostDump> hosts;
        const VendorRules& rules = rules_for(vendor_name);
        const TableBuilder design = table(vendor_name);
        const MsrGenerator::Values msrs = msrs_.design(rules);
        const bool complete = one_in(3);
        msrs_.set_complete(complete);
        for (std::size_t i = 0; i < size; ++i) {
            TableBuilder own = one_in(4) ? table(vendor_name) : varied(design);
            if (complete || one_in(2)) msrs_.enumerate(own, rules);
            auto own_msrs = !complete && one_in(4) ? msrs_.design(rules) : msrs_.varied(msrs, rules);
            if (one_in(2)) msrs_.set_microcode(own_msrs, rules, own.rows().at({1, 0}).eax);
            hosts.push_back(host("host-" + std::to_string(i), own, own_msrs, rules));
        }
        return hosts;
    }

    HostDump host(const std::string& name, const TableBuilder& design, const MsrGenerator::Values& msrs,
                  const VendorRules& rules) {
        std::vector<TableBuilder> cpus{design};
        while (one_in(4) && cpus.size() < 3) cpus.push_back(varied(design));
        for (TableBuilder& cpu : cpus) forget(cpu);
        HostDump result = hardware_host(name, cpus, msrs_.listed(msrs));
        if (one_in(3)) {
            TableBuilder view = varied(design);
            if (one_in(3)) msrs_.enumerate(view, rules);
            forget(view);
            result = with_hypervisor(std::move(result), view, msrs_.listed(msrs_.varied(msrs, rules)));
            if (one_in(3)) {
                result.hardware.reset();
                result = with_digest(std::move(result), name);
            }
        }
        return result;
    }

    TableBuilder table(const std::string& vendor_name) {
        const VendorRules& rules = rules_for(vendor_name);
        const std::uint32_t number = signature(rules);
        TableBuilder table = base_table(vendor_name, number);
        fill(table, rules);
        lay_out(table, rules);
        keep_base(table, vendor_name, number);
        return table;
    }

    // The same with some bits changed.
    TableBuilder varied(TableBuilder table) {
        const auto before = table.rows();
        const std::string vendor_name = vendor_of(before.at({0, 0}));
        const std::uint32_t flips = below(12);
        for (std::uint32_t i = 0; i < flips; ++i) {
            const auto& field = random_field(rules_for(vendor_name));
            const std::uint32_t subleaf = field.subleaves.first;
            if (field.is_msr || !before.contains({field.leaf, subleaf})) continue;
            const std::uint32_t old = table.rows().at({field.leaf, subleaf})[field.reg];
            table.reg(field.leaf, subleaf, field.reg, old ^ (1U << (field.low + below(width(field)))));
        }
        if (one_in(8)) lay_out(table, rules_for(vendor_name));
        const std::uint32_t number = one_in(4) ? signature(rules_for(vendor_name)) : before.at({1, 0}).eax;
        keep_base(table, vendor_name, number);
        return table;
    }

private:
    static std::uint32_t width(const RuleField& field) {
        std::uint32_t bits = 0;
        for (std::uint64_t ones = ones_of(field); ones != 0; ones >>= 1) ++bits;
        return bits;
    }

    const RuleField& random_field(const VendorRules& rules) {
        return rules.fields[below(static_cast<std::uint32_t>(rules.fields.size()))];
    }

    static std::string vendor_of(const Registers& leaf0) {
        std::string text;
        for (const std::uint32_t word : {leaf0.ebx, leaf0.edx, leaf0.ecx}) {
            for (unsigned i = 0; i < 4; ++i) text += static_cast<char>((word >> (8 * i)) & 0xFF);
        }
        return text;
    }

    // Family, model and stepping of a row of the model table, or of no row; now and then with a type and reserved bits.
    std::uint32_t signature(const VendorRules& rules) {
        if (rules.models.empty() || one_in(10)) return 0x000F0FF0;
        const ModelRow& row = rules.models[below(static_cast<std::uint32_t>(rules.models.size()))];
        const std::uint32_t family = row.family.first;
        const std::uint32_t model = row.models[below(static_cast<std::uint32_t>(row.models.size()))].first;
        const std::uint32_t stepping = row.steppings.empty() ? below(16) : row.steppings.front().first;
        const std::uint32_t base = std::min(family, 0xFU);
        const std::uint32_t others = one_in(20) ? static_cast<std::uint32_t>(random_.bits_of(0xF000F000, 10)) : 0;
        return others | (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 0xF) << 4 | stepping;
    }

    // Random values for every field, dense or sparse as a whole; now and then a bit that nobody knows.
    void fill(TableBuilder& table, const VendorRules& rules) {
        const std::uint32_t density = 1 + below(20);  // of 20
        for (const RuleField& field : rules.fields) {
            if (field.is_msr || field.leaf == 0x0 || field.leaf == 0xD || field.leaf == 0x80000000 || field.emulated)
                continue;
            for (std::uint32_t s = field.subleaves.first;
                 s <= std::min(field.subleaves.last, field.subleaves.first + 2); ++s) {
                const auto value = static_cast<std::uint32_t>(random_.bits_of(field.mask, density));
                if (!one_in(30)) table.set(field.leaf, s, field.reg, value);
            }
        }
        if (one_in(5)) table.set(0x80000021, 0, Register::ecx, 0x6000);  // reserved bits that a kernel leaked
        if (one_in(2)) table.row(0x40000000, 0, {0x40000001, 0x4B4D564B, 0x564B4D56, 0x4D});  // "KVMKVMKVM"
        if (one_in(4)) table.reg(0x40000001, 0, Register::eax, 0x31237648);                   // "Hv#1"
        static const std::array<std::uint32_t, 4> sizes{0x0800, 0x0800, 0x0800, 0x0400};
        table.clear(0x1, 0, Register::ebx, 0xFF00).set(0x1, 0, Register::ebx, sizes.at(below(sizes.size())));
        static const std::array<std::uint32_t, 5> widths{0x3027, 0x302E, 0x3030, 0x3934, 0x2E3030};
        table.reg(0x80000008, 0, Register::eax, widths.at(below(widths.size())));
    }

    // XCR0 and IA32_XSS with rows as documented, elsewhere, empty, of the wrong kind, or missing; now and then a state
    // that nobody knows.
    void lay_out(TableBuilder& table, const VendorRules& rules) {
        std::uint64_t user = 3;
        std::uint64_t supervisor = 0;
        for (const ComponentRule& component : rules.components) {
            table.drop(0xD, component.bit);
            if (component.state == "legacy" || one_in(6)) continue;
            const bool is_super = component.state == "supervisor";
            (is_super ? supervisor : user) |= std::uint64_t{1} << component.bit;
            ComponentLayout layout =
                component.documented.value_or(ComponentLayout{0x40, is_super ? 0U : 0x340U, false});
            switch (below(12)) {
                case 0: layout.offset += is_super ? 0 : 0x40; break;
                case 1: layout.size *= 2; break;
                case 2: layout.align64 = !layout.align64; break;
                case 3: layout.size = 0; break;
                case 4: table.unknown(0xD, component.bit); continue;
                case 5: continue;
                default: break;
            }
            const std::uint32_t kind = one_in(40) ? !is_super : is_super;
            const std::uint32_t flags = kind | (layout.align64 ? 2U : 0U) | (one_in(4) ? 4U : 0U);
            table.row(0xD, component.bit, {layout.size, layout.offset, flags, 0});
        }
        if (one_in(6)) {
            (one_in(2) ? user : supervisor) |= std::uint64_t{1} << 20U;
            table.row(0xD, 20, {0x80, 0x400, below(8), 0});
        }
        table.row(0xD, 0, {static_cast<std::uint32_t>(user), 0x240, 0x2B00, static_cast<std::uint32_t>(user >> 32)});
        table.row(0xD, 1,
                  {below(32), 0, static_cast<std::uint32_t>(supervisor), static_cast<std::uint32_t>(supervisor >> 32)});
    }

    // What makes the host a 64-bit host of its vendor.
    static void keep_base(TableBuilder& table, const std::string& vendor_name, std::uint32_t number) {
        const TableBuilder base = base_table(vendor_name, number);
        table.row(0x0, 0, base.rows().at({0, 0}));
        table.reg(0x0, 0, Register::eax, 0x24);
        table.reg(0x1, 0, Register::eax, number);
        table.set(0x1, 0, Register::edx, base_leaf1_edx);
        table.row(0x80000000, 0, base.rows().at({0x80000000, 0}));
        table.reg(0x80000000, 0, Register::eax, 0x80000021);
        table.set(0x80000001, 0, Register::edx, base_80000001_edx);
    }

    // Rows of which the dump is silent, rows that are zero, and a lower maximum.
    void forget(TableBuilder& table) {
        const auto rows = table.rows();
        const std::uint32_t rarity = 5 + below(60);
        for (const auto& [key, value] : rows) {
            if (key.leaf == 0x0 || key.leaf == 0x1 || key.leaf == 0x80000000 || key.leaf == 0x80000001) continue;
            if (one_in(rarity)) {
                table.unknown(key.leaf, key.subleaf);
            } else if (one_in(rarity)) {
                table.drop(key.leaf, key.subleaf);
            }
        }
        if (!one_in(5)) return;
        const std::uint32_t extended = one_in(2) ? 0x80000008 : 0x80000020;
        table.reg(0x80000000, 0, Register::eax, extended);
        for (const auto& [key, value] : rows) {
            if (key.leaf > extended && range_of(key.leaf) == 0x80000000) table.drop(key.leaf, key.subleaf);
        }
    }

    Random random_;
    MsrGenerator msrs_{random_};
};

}  // namespace poolcpuid::test
