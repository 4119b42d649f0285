// Which subleaves rows belong to whose dump does not say: old tools list a leaf several times, unlabelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dump/table_builder.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

// The subleaf of each row of one leaf, in the order of the dump; nothing where it cannot be told.
//
// The first row is subleaf 0, unless it has what no CPU has there: then that one was lost, and nothing can be told.
// Lists (leaf_shapes.hpp) have no gaps and are read from 0 upward, so there the order tells. So it does where a leaf
// counts its subleaves and has as many rows. Leaf Dh has gaps: its rows are told by what XCR0 and IA32_XSS announce
// (SDM vol. 1, 13.2; vol. 2A, CPUID) and by the sizes that the components have, where only one component will do for
// each. Other leaves: only the first. is_announced: the CPU has the feature whose bit announces the leaf. Linear in the
// number of rows.
std::vector<std::optional<std::uint32_t>> infer_subleaves(std::uint32_t leaf, std::span<const Registers> rows,
                                                          bool is_announced);

// The rows of one logical CPU whose subleaf the dump does not say, set aside until all are there.
class UnlabelledRows {
public:
    // Adds a row of a leaf with subleaves, which stands on line. Amortised constant.
    void add(std::uint32_t leaf, const Registers& value, std::size_t line) { rows_.push_back({leaf, value, line}); }

    bool empty() const noexcept { return rows_.empty(); }

    // What the rows tell: of which leaves something stays unknown, and how many rows have no place.
    struct Placed {
        std::vector<UnknownRow> unknown;
        std::size_t lost = 0;
    };

    // Gives the rows their subleaves (infer_subleaves) and adds them to table, whose CPU has this maximum basic leaf.
    // O(n log n). Throws what TableBuilder::add throws.
    Placed place(std::uint32_t maximum_basic, TableBuilder& table) &&;

private:
    struct Row {
        std::uint32_t leaf = 0;
        Registers value;
        std::size_t line = 0;
    };

    static void place_leaf(std::span<const Row> rows, std::uint32_t maximum_basic, TableBuilder& table, Placed& placed);

    std::vector<Row> rows_;
};

// Adds the note "subleaf-unknown" with the number of rows that were left out, unless that is 0.
void note_unknown_subleaves(std::size_t count, std::vector<DumpNote>& notes);

}  // namespace poolcpuid::dump
