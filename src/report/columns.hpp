// The hosts of a policy as the columns of its matrix: hosts that have the same values in every decision,
// and limit the same ones, are one column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"

namespace poolcpuid::report {

// What the hosts of a column have in one decision.
struct Cell {
    std::optional<std::uint32_t> value;  // an index into the decision's values; nothing where the policy does not say
    bool several = false;                // the hosts of the column differ: it was made by promises alone
    bool limits = false;                 // they are among those that decided

    friend auto operator<=>(const Cell&, const Cell&) = default;
};

struct Column {
    std::vector<std::size_t> classes;  // indices into the policy's hosts
    std::vector<std::string> names;    // that the policy lists, sorted
    std::size_t count = 0;             // of hosts
    std::vector<Cell> cells;           // one for each decision
};

struct Columns {
    std::vector<Column> columns;  // those that decide most first; empty when there are more than most_columns
    std::size_t groups = 0;       // how many there are, even where that is too many for columns
    bool every_name = true;       // the policy lists every name of every list, so nothing was inferred or missed
    bool by_promises = false;     // identity, derived and hidden fields did not count
};

// A table with more columns than this helps nobody.
inline constexpr std::size_t most_columns = 300;

// The columns of policy. Where its lists of names are cut short, hosts whose names a decision does not
// list have the one value whose list is incomplete, if only one is; else the cell has no value. Hosts
// fall into columns by all decisions or, where that gives more than most_columns, by those on promises.
// Linear in names and in decisions times classes, but for sorting.
Columns columns_of(const PoolPolicy& policy);

}  // namespace poolcpuid::report
