// Collects the CPUID rows of one logical CPU in the order of the dump and makes a sorted table of them.
//
// Every reader uses it, so that all formats treat repeated rows and rows beyond a maximum alike.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "dump/leaf_shapes.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

class TableBuilder {
public:
    // A finished table (its unknown rows are completeness.hpp's task) and how many rows were left out
    // of it because they lie beyond the maximum leaf of their range (leaf_shapes.hpp).
    struct Result {
        CpuidTable table;
        std::size_t beyond_maximum = 0;
        bool each_once = false;  // no row came again
    };

    // file is what messages name; it must outlive the builder. view decides which leaves are beyond a maximum.
    explicit TableBuilder(std::string_view file, ViewKind view = ViewKind::hardware) noexcept
        : file_(file), view_(view) {}

    // Adds a row that stands on line (from 1; 0 when the format has no lines) of the file.
    // Throws InputError beyond limits::rows_per_cpu. Amortised constant.
    void add(LeafKey key, const Registers& value, std::size_t line) {
        if (rows_.size() >= limits::rows_per_cpu) refuse_more(line);
        if (rows_.empty()) begin(line);
        rows_.push_back({{key, value}, line});
    }

    // What the maximum leaves are is not known: no row is beyond them.
    void keep_all() noexcept { keeps_all_ = true; }

    bool empty() const noexcept { return rows_.empty(); }

    // Where the rows were added as those of earlier were, and are those but for ids of a logical CPU (own_ids.hpp): the
    // rows that differ. Nothing where more does. Linear.
    std::optional<std::vector<CpuidRow>> own_rows(const TableBuilder& earlier) const;

    // The line of the row that was added first, 0 without rows.
    std::size_t first_line() const noexcept { return first_line_; }

    // What the first row that was added for key says, or nullptr. Linear in the number of rows.
    const Registers* find(LeafKey key) const noexcept;

    // True when a row was added for key. Linear in the number of rows.
    bool has(LeafKey key) const noexcept { return find(key) != nullptr; }

    // True where this row was added, be it several times, and no other: where it comes again then, it is a line that
    // stands twice, and begins no other logical CPU. Linear.
    bool has_only(const CpuidRow& row) const noexcept;

    // The leaf of all rows, where they are of one.
    std::optional<std::uint32_t> only_leaf() const noexcept;

    // Sorts the rows, drops repeats and what lies beyond the maximum leaves. Throws InputError when
    // leaf 0 or leaf 1 is missing (there is no CPUID dump without them), and when two rows of one key
    // within the maxima differ.
    // O(n log n) in the number of rows; linear when they were added in order.
    Result finish() &&;

private:
    struct Row {
        CpuidRow cpuid;
        std::size_t line = 0;
    };

    void begin(std::size_t line);
    [[noreturn]] void refuse_more(std::size_t line) const;
    void sort();
    CpuidTable first_rows() const;
    void refuse_conflict(const Row& first, const Row& second) const;

    std::string_view file_;
    ViewKind view_;
    bool keeps_all_ = false;
    std::size_t first_line_ = 0;
    std::vector<Row> rows_;
};

// Adds the note "rows-beyond-maximum" with the number of rows that were dropped, unless that is 0.
void note_beyond_maximum(std::size_t count, std::vector<DumpNote>& notes);

}  // namespace poolcpuid::dump
