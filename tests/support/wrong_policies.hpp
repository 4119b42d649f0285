// Policies that are wrong in one place, to see that the oracle notices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "tests/support/rulebook_files.hpp"

namespace poolcpuid::test {

// The MSRs of which the vendor's rules know a field.
inline std::set<std::uint32_t> feature_msrs(const std::string& vendor) {
    std::set<std::uint32_t> indices;
    for (const RuleField& field : rules_for(vendor).fields) {
        if (field.is_msr) indices.insert(field.leaf);
    }
    return indices;
}

// The same rows but for one bit; a row that becomes 0 goes, and one that is missing comes.
inline std::vector<MsrRow> with_bit_flipped(std::vector<MsrRow> rows, std::uint32_t index, unsigned bit) {
    const auto is_before = [](const MsrRow& row, std::uint32_t wanted) { return row.index < wanted; };
    auto at = std::lower_bound(rows.begin(), rows.end(), index, is_before);
    if (at == rows.end() || at->index != index) at = rows.insert(at, {index, 0});
    at->value = at->value.value_or(0) ^ std::uint64_t{1} << bit;
    if (at->value == 0U) rows.erase(at);
    return rows;
}

}  // namespace poolcpuid::test
