#include "dump/msr_builder.hpp"

#include <algorithm>
#include <string>

#include "base/hex.hpp"
#include "poolcpuid/read_hosts.hpp"

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

std::vector<MsrRow> RepeatedMsrs::finish(std::string_view file, std::vector<DumpNote>& notes) && {
    std::stable_sort(rows_.begin(), rows_.end(), [](const MsrRow& a, const MsrRow& b) { return a.index < b.index; });
    std::vector<MsrRow> constant;
    std::size_t changing = 0;
    for (auto first = rows_.begin(); first != rows_.end();) {
        const auto last =
            std::find_if(first, rows_.end(), [&](const MsrRow& row) { return row.index != first->index; });
        const bool same = std::all_of(first, last, [&](const MsrRow& row) { return row == *first; });
        if (same) {
            constant.push_back(*first);
        } else {
            ++changing;
        }
        first = last;
    }
    if (constant.size() > limits::msrs_per_view) {
        throw InputError(std::string(file), 0, "at most " + std::to_string(limits::msrs_per_view) + " MSRs",
                         std::to_string(constant.size()));
    }
    if (changing > 0) {
        notes.push_back({"msr-not-constant", "Left out " + std::to_string(changing) +
                                                 " MSRs that the dump lists several times with different values."});
    }
    return constant;
}

}  // namespace poolcpuid::dump
