// Hosts made in code, register by register, for tests of the merge.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid::test {

// Rows of one CPUID table in the making.
class TableBuilder {
public:
    TableBuilder& row(std::uint32_t leaf, std::uint32_t subleaf, Registers value) {
        rows_[{leaf, subleaf}] = value;
        return *this;
    }

    TableBuilder& reg(std::uint32_t leaf, std::uint32_t subleaf, Register which, std::uint32_t value) {
        rows_[{leaf, subleaf}][which] = value;
        return *this;
    }

    TableBuilder& set(std::uint32_t leaf, std::uint32_t subleaf, Register which, std::uint32_t bits) {
        rows_[{leaf, subleaf}][which] |= bits;
        return *this;
    }

    TableBuilder& clear(std::uint32_t leaf, std::uint32_t subleaf, Register which, std::uint32_t bits) {
        rows_[{leaf, subleaf}][which] &= ~bits;
        return *this;
    }

    TableBuilder& drop(std::uint32_t leaf, std::uint32_t subleaf) {
        rows_.erase({leaf, subleaf});
        return *this;
    }

    // The dump does not say what the row holds.
    TableBuilder& unknown(std::uint32_t leaf, std::uint32_t subleaf) {
        rows_.erase({leaf, subleaf});
        unknown_.insert({leaf, subleaf});
        return *this;
    }

    CpuidTable table() const {
        CpuidTable table;
        for (const auto& [key, value] : rows_) table.rows.push_back({key, value});
        table.unknown.assign(unknown_.begin(), unknown_.end());
        return table;
    }

    const std::map<LeafKey, Registers>& rows() const noexcept { return rows_; }

private:
    std::map<LeafKey, Registers> rows_;
    std::set<UnknownRow> unknown_;
};

inline std::uint32_t four_bytes(const std::string& text, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 4; i-- > 0;) word = word << 8 | static_cast<unsigned char>(text.at(at + i));
    return word;
}

// What a 64-bit guest cannot do without, of leaf 1 EDX: FPU to SSE2 with CLFLUSH and the local APIC.
inline constexpr std::uint32_t base_leaf1_edx = 0x0789A37D | 0x00000200;
inline constexpr std::uint32_t base_80000001_edx = 0x20000800;  // LM, SYSCALL

// A 64-bit host with nothing more than that: leaves up to Dh and 80000008h.
inline TableBuilder base_table(const std::string& vendor, std::uint32_t signature) {
    const Registers name{0xD, four_bytes(vendor, 0), four_bytes(vendor, 8), four_bytes(vendor, 4)};
    TableBuilder table;
    table.row(0x0, 0, name);
    table.row(0x1, 0, {signature, 0x00000800, 0, base_leaf1_edx});
    table.row(0x7, 0, {});
    table.row(0x80000000, 0, {0x80000008, 0, 0, 0});
    table.row(0x80000001, 0, {0, 0, 0, base_80000001_edx});
    table.row(0x80000008, 0, {0x3030, 0, 0, 0});
    return table;
}

inline TableBuilder intel_table(std::uint32_t signature = 0x000306F2) { return base_table("GenuineIntel", signature); }
inline TableBuilder amd_table(std::uint32_t signature = 0x00830F10) { return base_table("AuthenticAMD", signature); }

// The digest stands for the content without the name, as that of a file does.
inline HostDump with_digest(HostDump host, std::string name) {
    host.name.clear();
    host.sha256 = sha256_hex(to_host_json(host));
    host.name = std::move(name);
    return host;
}

// A host of one table a logical CPU.
inline HostDump hardware_host(std::string name, const std::vector<TableBuilder>& cpus,
                              std::optional<std::vector<MsrRow>> msrs = std::nullopt) {
    HostDump host;
    host.hardware = HardwareView{};
    for (std::size_t i = 0; i < cpus.size(); ++i) {
        host.hardware->cpus.push_back({static_cast<std::uint32_t>(i), cpus[i].table()});
    }
    host.hardware->msrs = std::move(msrs);
    return with_digest(std::move(host), std::move(name));
}

inline HostDump hardware_host(std::string name, const TableBuilder& cpu) {
    return hardware_host(std::move(name), std::vector{cpu});
}

// The same host with what its hypervisor can give.
inline HostDump with_hypervisor(HostDump host, const TableBuilder& table,
                                std::optional<std::vector<MsrRow>> msrs = std::nullopt) {
    host.hypervisor = HypervisorView{"kvm", table.table(), std::move(msrs)};
    std::string name = host.name;
    return with_digest(std::move(host), std::move(name));
}

}  // namespace poolcpuid::test
