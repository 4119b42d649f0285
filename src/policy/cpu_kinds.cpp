#include "policy/cpu_kinds.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "poolcpuid/registers.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid {

namespace {

// The one that stands for the host ranks least.
auto rank_of(const Rulebook& rulebook, const CpuKind& kind) {
    const auto string = vendor_string(*kind.table);
    const auto vendor = string ? rulebook.vendor_of(*string) : std::nullopt;
    const Model* model = vendor ? rulebook.model_of(*vendor, signature_of(kind.leaf1_eax)) : nullptr;
    return std::tuple(rulebook::lender_rank(model), kind.leaf1_eax);
}

bool is_of_one_kind(const HostDump& host, std::uint32_t signature) {
    return !host.hardware || std::all_of(host.hardware->cpus.begin(), host.hardware->cpus.end(),
                                         [&](const LogicalCpu& cpu) { return signature_in(cpu.cpuid) == signature; });
}

}  // namespace

std::uint32_t signature_in(const CpuidTable& table) {
    const Registers* row = table.find(signature_key);
    const bool is_known = row != nullptr && table.unknown_in(signature_key, Register::eax) == 0;
    return is_known ? signature_bits(row->eax) : 0;
}

std::vector<CpuKind> cpu_kinds(const Rulebook& rulebook, const HostDump& host) {
    const CpuKind first{&host.first_table(), signature_in(host.first_table())};
    if (is_of_one_kind(host, first.leaf1_eax)) return {first};
    std::map<std::uint32_t, const CpuidTable*> by_signature;
    for (const LogicalCpu& cpu : host.hardware->cpus) by_signature.emplace(signature_in(cpu.cpuid), &cpu.cpuid);
    std::vector<CpuKind> kinds;
    for (const auto& [signature, table] : by_signature) kinds.push_back({table, signature});
    const auto lender = std::min_element(kinds.begin(), kinds.end(), [&](const CpuKind& a, const CpuKind& b) {
        return rank_of(rulebook, a) < rank_of(rulebook, b);
    });
    std::rotate(kinds.begin(), lender, lender + 1);
    return kinds;
}

}  // namespace poolcpuid
