#include "dump/msr_builder.hpp"

#include <algorithm>
#include <string>

#include "poolcpuid/read_hosts.hpp"
#include "text/hex.hpp"

namespace poolcpuid::dump {

void MsrBuilder::add(std::uint32_t index, std::optional<std::uint64_t> value, std::size_t line) {
    if (rows_.size() >= limits::msrs_per_view) {
        throw InputError(std::string(file_), line, "at most " + std::to_string(limits::msrs_per_view) + " MSRs",
                         "more");
    }
    rows_.push_back({{index, value}, line});
}

std::vector<MsrRow> MsrBuilder::finish() && {
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.msr.index < b.msr.index; });
    std::vector<MsrRow> result;
    result.reserve(rows_.size());
    for (const Row& row : rows_) {
        if (!result.empty() && result.back().index == row.msr.index) {
            throw InputError(std::string(file_), row.line, "each MSR once", "MSR " + to_hex(row.msr.index) + " again");
        }
        result.push_back(row.msr);
    }
    return result;
}

}  // namespace poolcpuid::dump
