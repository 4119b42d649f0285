// Collects MSR rows of a dump that lists them per logical CPU, or again and again over time.
#pragma once

#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

class RepeatedMsrs {
public:
    // Amortised constant.
    void add(const MsrRow& row) { rows_.push_back(row); }

    bool empty() const noexcept { return rows_.empty(); }

    // The MSRs that read the same each time (or faulted each time), sorted by index. The others count
    // something or differ between CPUs: they say nothing of the host, are left out, and noted as
    // "msr-not-constant". Throws InputError that names file beyond limits::msrs_per_view. O(n log n).
    std::vector<MsrRow> finish(std::string_view file, std::vector<DumpNote>& notes) &&;

private:
    std::vector<MsrRow> rows_;
};

}  // namespace poolcpuid::dump
