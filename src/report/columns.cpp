#include "report/columns.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/keyed_hash.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::report {

namespace {

using ClassOfName = std::unordered_map<std::string, std::size_t, KeyedHash>;

ClassOfName classes_by_name(const PoolPolicy& policy) {
    ClassOfName classes;
    for (std::size_t i = 0; i < policy.hosts.size(); ++i) {
        for (const std::string& name : policy.hosts[i].names) classes.emplace(name, i);
    }
    return classes;
}

// What each class of hosts has in a decision.
std::vector<Cell> cells_of(const Decision& decision, const ClassOfName& class_of, std::size_t classes) {
    std::vector<Cell> cells(classes);
    std::vector<std::uint32_t> incomplete;
    for (std::uint32_t i = 0; i < decision.values.size(); ++i) {
        const ValueOfHosts& value = decision.values[i];
        for (const std::string& name : value.hosts) {
            if (const auto at = class_of.find(name); at != class_of.end()) cells[at->second].value = i;
        }
        if (value.hosts.size() < value.count) incomplete.push_back(i);
    }
    if (incomplete.size() == 1) {
        for (Cell& cell : cells) {
            if (!cell.value) cell.value = incomplete.front();
        }
    }
    for (const std::string& name : decision.because.names) {
        if (const auto at = class_of.find(name); at != class_of.end()) cells[at->second].limits = true;
    }
    return cells;
}

bool lists_every_name(const PoolPolicy& policy) {
    const bool classes = std::all_of(policy.hosts.begin(), policy.hosts.end(),
                                     [](const HostClass& host) { return host.names.size() == host.count; });
    return classes && std::all_of(policy.decisions.begin(), policy.decisions.end(), [&](const Decision& decision) {
               return std::all_of(decision.values.begin(), decision.values.end(),
                                  [](const ValueOfHosts& value) { return value.hosts.size() == value.count; });
           });
}

// True for the rules whose values promise nothing.
bool is_without_promise(const Decision& decision) {
    return decision.rule == to_string(Rule::identity) || decision.rule == to_string(Rule::derive) ||
           decision.rule == to_string(Rule::hide);
}

// rows[d][c] is the cell of decision d and class c. Two classes fall together when they are equal in
// every row that counts.
std::vector<Column> folded(const PoolPolicy& policy, const std::vector<std::vector<Cell>>& rows, bool by_promises) {
    std::map<std::pair<bool, std::vector<Cell>>, std::size_t> places;
    std::vector<Column> columns;
    for (std::size_t c = 0; c < policy.hosts.size(); ++c) {
        const HostClass& host = policy.hosts[c];
        std::vector<Cell> all;
        std::vector<Cell> counting;
        for (std::size_t d = 0; d < rows.size(); ++d) {
            all.push_back(rows[d][c]);
            if (!by_promises || !is_without_promise(policy.decisions[d])) counting.push_back(rows[d][c]);
        }
        const auto [at, fresh] = places.emplace(std::pair(host.is_ceiling(), std::move(counting)), columns.size());
        if (fresh) columns.push_back({{}, {}, 0, all});
        Column& column = columns[at->second];
        column.classes.push_back(c);
        column.names.insert(column.names.end(), host.names.begin(), host.names.end());
        column.count += host.count;
        for (std::size_t d = 0; d < rows.size(); ++d) {
            if (column.cells[d] != all[d])
                column.cells[d] = {std::nullopt, true, column.cells[d].limits || all[d].limits};
        }
    }
    return columns;
}

// The hosts that decide most come first, and those that decide the same stand together; then by name.
void sort_columns(const PoolPolicy& policy, std::vector<Column>& columns) {
    using Key = std::tuple<std::size_t, std::vector<bool>, std::vector<std::string>, std::vector<std::size_t>>;
    std::vector<std::pair<Key, Column>> keyed;
    for (Column& column : columns) {
        std::sort(column.names.begin(), column.names.end());
        std::vector<bool> is_free;  // false sorts before true
        std::size_t free = 0;
        for (std::size_t d = 0; d < policy.decisions.size(); ++d) {
            is_free.push_back(!column.cells[d].limits || is_without_promise(policy.decisions[d]));
            free += is_free.back() ? 1 : 0;
        }
        keyed.emplace_back(Key(free, std::move(is_free), column.names, column.classes), std::move(column));
    }
    std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    columns.clear();
    for (auto& [key, column] : keyed) columns.push_back(std::move(column));
}

}  // namespace

Columns columns_of(const PoolPolicy& policy) {
    const ClassOfName class_of = classes_by_name(policy);
    std::vector<std::vector<Cell>> rows;
    Columns result;
    result.every_name = lists_every_name(policy);
    for (const Decision& decision : policy.decisions) {
        rows.push_back(cells_of(decision, class_of, policy.hosts.size()));
    }
    result.columns = folded(policy, rows, false);
    if (result.columns.size() > most_columns) {
        result.by_promises = true;
        result.columns = folded(policy, rows, true);
    }
    sort_columns(policy, result.columns);
    result.groups = result.columns.size();
    if (result.groups > most_columns) result.columns.clear();
    return result;
}

}  // namespace poolcpuid::report
