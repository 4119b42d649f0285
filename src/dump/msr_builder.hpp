// Collects the MSR rows of one view and makes a sorted list of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

class MsrBuilder {
public:
    // file is what messages name; it must outlive the builder.
    explicit MsrBuilder(std::string_view file) noexcept : file_(file) {}

    // Adds the MSR on line of the file; no value where RDMSR faulted. Throws InputError beyond
    // limits::msrs_per_view. Amortised constant.
    void add(std::uint32_t index, std::optional<std::uint64_t> value, std::size_t line);

    bool empty() const noexcept { return rows_.empty(); }

    // The rows sorted by index. Throws InputError when an index stands twice: no format that lists MSRs
    // once per host repeats one, so a repeat is two hosts or two moments in one list. O(n log n).
    std::vector<MsrRow> finish() &&;

private:
    struct Row {
        MsrRow msr;
        std::size_t line = 0;
    };

    std::string_view file_;
    std::vector<Row> rows_;
};

// Collects MSR rows of a dump that lists them per logical CPU, or again and again over time.

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
