#include "dump/table_builder.hpp"

#include <algorithm>
#include <string>

#include "base/hex.hpp"
#include "dump/own_ids.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::size_t usual_rows = 128;  // few logical CPUs have more

std::string describe(const CpuidRow& row) {
    const Registers& value = row.value;
    return "leaf " + to_hex(row.key.leaf) + " subleaf " + to_hex(row.key.subleaf) + " with " + to_hex(value.eax, 8) +
           " " + to_hex(value.ebx, 8) + " " + to_hex(value.ecx, 8) + " " + to_hex(value.edx, 8);
}

// Asks within_maximum() of leaves in order: those of one block of 100h leaves have one maximum.
class Maxima {
public:
    Maxima(const CpuidTable& table, ViewKind view) noexcept : table_(table), view_(view) {}

    bool reach(std::uint32_t leaf) {
        const std::uint32_t block = leaf >> 8U;
        if (block_ != block) {
            block_ = block;
            maximum_ = maximum_leaf(table_, leaf, view_);
            is_unknown_ = is_of_unknown_maximum(table_, leaf);
        }
        return is_unknown_ || (maximum_ && leaf <= *maximum_);
    }

private:
    const CpuidTable& table_;
    ViewKind view_;
    std::uint32_t block_ = ~std::uint32_t{0};  // of no leaf
    bool is_unknown_ = false;
    std::optional<std::uint32_t> maximum_;
};

}  // namespace

void TableBuilder::begin(std::size_t line) {
    rows_.reserve(usual_rows);
    first_line_ = line;
}

void TableBuilder::refuse_more(std::size_t line) const {
    throw InputError(std::string(file_), line,
                     "at most " + std::to_string(limits::rows_per_cpu) + " CPUID rows of a logical CPU", "more");
}

const Registers* TableBuilder::find(LeafKey key) const noexcept {
    const auto at = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.cpuid.key == key; });
    return at == rows_.end() ? nullptr : &at->cpuid.value;
}

bool TableBuilder::has_only(const CpuidRow& row) const noexcept {
    return !rows_.empty() &&
           std::all_of(rows_.begin(), rows_.end(), [&](const Row& each) { return each.cpuid == row; });
}

std::optional<std::uint32_t> TableBuilder::only_leaf() const noexcept {
    if (rows_.empty()) return std::nullopt;
    const std::uint32_t leaf = rows_.front().cpuid.key.leaf;
    const bool are_alike =
        std::all_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.cpuid.key.leaf == leaf; });
    return are_alike ? std::optional(leaf) : std::nullopt;
}

std::optional<std::vector<CpuidRow>> TableBuilder::own_rows(const TableBuilder& earlier) const {
    if (rows_.size() != earlier.rows_.size() || view_ != earlier.view_ || keeps_all_ != earlier.keeps_all_) return {};
    std::vector<CpuidRow> own;
    auto before = earlier.rows_.begin();
    for (const Row& row : rows_) {
        const CpuidRow& other = (before++)->cpuid;
        if (row.cpuid == other) continue;
        if (!equal_but_ids(row.cpuid, other)) return {};
        own.push_back(row.cpuid);
    }
    return own;
}

// Puts the rows in order, those of one key as they were added. Linear where they are in it, else O(n log n).
void TableBuilder::sort() {
    const auto by_key = [](const Row& a, const Row& b) { return a.cpuid.key < b.cpuid.key; };
    if (!std::is_sorted(rows_.begin(), rows_.end(), by_key)) std::stable_sort(rows_.begin(), rows_.end(), by_key);
}

// The first row of each key, those beyond the maxima included.
CpuidTable TableBuilder::first_rows() const {
    CpuidTable table;
    table.rows.reserve(rows_.size());
    for (const Row& row : rows_) {
        if (table.rows.empty() || table.rows.back().key != row.cpuid.key) table.rows.push_back(row.cpuid);
    }
    return table;
}

void TableBuilder::refuse_conflict(const Row& first, const Row& second) const {
    std::string expected = "one value of each leaf and subleaf in a logical CPU";
    if (first.line != 0) expected += ", as on line " + std::to_string(first.line);
    throw InputError(std::string(file_), second.line, expected, describe(second.cpuid));
}

TableBuilder::Result TableBuilder::finish() && {
    const std::size_t start = first_line();
    sort();
    const CpuidTable all = first_rows();
    Result result;
    result.each_once = all.rows.size() == rows_.size();
    result.table.rows.reserve(rows_.size());
    Maxima maxima(all, view_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const CpuidRow& row = rows_[i].cpuid;
        if (!keeps_all_ && !maxima.reach(row.key.leaf)) {
            ++result.beyond_maximum;
        } else if (result.table.rows.empty() || result.table.rows.back().key != row.key) {
            result.table.rows.push_back(row);
        } else if (row.value != result.table.rows.back().value) {
            refuse_conflict(rows_[i - 1], rows_[i]);
        }
    }
    for (const std::uint32_t leaf : {0U, 1U}) {
        if (result.table.find({leaf, 0}) != nullptr) continue;
        throw InputError(std::string(file_), start, "leaf " + to_hex(leaf) + " in each logical CPU",
                         all.find({leaf, 0}) == nullptr ? "none" : "one beyond the maximum leaf");
    }
    return result;
}

void note_beyond_maximum(std::size_t count, std::vector<DumpNote>& notes) {
    if (count == 0) return;
    notes.push_back({"rows-beyond-maximum", "Left out " + std::to_string(count) +
                                                " rows beyond the maximum leaf of their range: there CPUID "
                                                "returns other leaves' data."});
}

}  // namespace poolcpuid::dump
