// What one CPUID table promises: a logical CPU's, or a hypervisor's view.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "merge/host_promises.hpp"
#include "merge/plan.hpp"
#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::merge {

// What one CPUID table (a logical CPU, or a hypervisor's view) promises.
struct TablePromises {
    Atoms atoms;
    std::vector<std::uint32_t> unknown;
    std::uint64_t scrub_unknown = 0;
    std::vector<FieldIndex> assumed;
    std::vector<std::uint8_t> documented_layout;
    bool syscall_artefact = false;
};

// Reduces table to its promises. msrs are those of its view, for the guards; model is the host's row of
// the model table, or nullptr. In a hardware table, what VMMs emulate counts as there. Linear in the
// fields of the rulebook.
TablePromises read_table(const Plan& plan, const CpuidTable& table, const std::optional<std::vector<MsrRow>>& msrs,
                         const Model* model, bool is_hardware);

}  // namespace poolcpuid::merge
