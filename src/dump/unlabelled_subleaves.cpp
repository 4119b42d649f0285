#include "dump/unlabelled_subleaves.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <string>

#include "dump/leaf_shapes.hpp"

namespace poolcpuid::dump {

namespace {

using Numbers = std::vector<std::optional<std::uint32_t>>;

// The bytes that an XSAVE component takes wherever it exists (SDM vol. 1, 13.1 and 13.5; APM vol. 2,
// 11.5): 0 where the size differs between CPUs or is not known.
constexpr std::array<std::uint32_t, 20> component_sizes{0, 0,    0x100, 0x40, 0x40, 0x40, 0x200, 0x400, 0x80,   0,
                                                        8, 0x10, 0x18,  8,    0x30, 0,    8,     0x40,  0x2000, 0x80};
constexpr std::uint32_t pkru_component = 9;
constexpr std::uint32_t pkru_bytes = 8;
constexpr std::uint32_t most_pkru_bytes = 0x40;  // Zen 2
constexpr std::uint32_t apx_component = 19;
constexpr std::uint32_t lwp_component = 62;
constexpr std::uint32_t lwp_size = 0x80;
constexpr std::uint32_t legacy_and_header_bytes = 0x240;

std::uint32_t known_size(std::uint32_t component) noexcept {
    if (component == lwp_component) return lwp_size;
    return component < component_sizes.size() ? component_sizes[component] : 0;
}

bool may_take(std::uint32_t component, std::uint32_t bytes) noexcept {
    if (component == pkru_component) return bytes == pkru_bytes || bytes == most_pkru_bytes;
    const std::uint32_t size = known_size(component);
    return size == 0 || bytes == size;
}

// Leaf Dh subleaf 1: EAX holds the flags XSAVEOPT, XSAVEC, XGETBV1, XSAVES and XFD, never without the
// first. A component's size is a multiple of 8, so a row cannot be taken for both. A row of zeros
// between subleaf 0 and a component is subleaf 1 of a CPU without XSAVEOPT. Subleaf 0 over again, whose states may look
// like flags, is not it: its ECX is no set of states.
bool is_flags_row(const Registers& row, const Registers& user) noexcept {
    constexpr std::uint32_t flags = 0x1F;
    return row.all_zero() || ((row.eax & ~flags) == 0 && (row.eax & 1U) == 1 && row != user);
}

// The most bytes that the area of the components up to this one takes in the standard form: all that may stand below it
// do, a place that LWP had among them (Intel's begins BNDREGS behind it). 0 where the size of one is not known.
std::uint32_t most_area_bytes(std::uint32_t last) noexcept {
    std::uint32_t bytes = legacy_and_header_bytes + lwp_size;
    for (std::uint32_t component = 2; component <= last; ++component) {
        if (component >= component_sizes.size()) return 0;
        bytes += std::max(known_size(component), most_pkru_bytes);
    }
    return bytes;
}

// What subleaf 0 of leaf Dh is on every CPU: XCR0 may hold x87 and SSE, and of MPX both parts or none; the area of what
// it may hold is as large as that of what it holds, at least. Subleaf 1, whose flags look alike, has in ECX what
// IA32_XSS may hold, which is no size.
bool may_be_user_states(const Registers& row) noexcept {
    constexpr std::uint32_t x87_and_sse = 0x3;
    constexpr std::uint32_t mpx = 0x18;
    if ((row.eax & x87_and_sse) != x87_and_sse) return false;
    if ((row.eax & mpx) != 0 && (row.eax & mpx) != mpx) return false;
    if (row.ecx < legacy_and_header_bytes || row.ecx < row.ebx) return false;
    const std::uint32_t most =
        row.edx == 0 ? most_area_bytes(static_cast<std::uint32_t>(std::bit_width(row.eax)) - 1) : 0;
    return most == 0 || row.ecx <= most;
}

struct Component {
    std::uint32_t number = 0;
    bool is_supervisor = false;
};

bool is_of_supervisor(const Registers& row) noexcept { return (row.ecx & 1U) == 1; }

// True when row can describe the component: its size, its place within the area of XSAVE that subleaf 0
// sizes, and that only supervisor components have no place there.
bool fits(const Registers& row, const Component& component, std::uint32_t area_bytes) noexcept {
    if (row.eax == 0 || is_of_supervisor(row) != component.is_supervisor) return false;
    if (!may_take(component.number, row.eax)) return false;
    if (component.is_supervisor) return row.ebx == 0;
    return row.ebx >= legacy_and_header_bytes && row.ebx <= area_bytes && row.eax <= area_bytes - row.ebx;
}

std::uint64_t join(std::uint32_t high, std::uint32_t low) noexcept { return std::uint64_t{high} << 32U | low; }

// What XCR0 and IA32_XSS may hold beside x87 and SSE, which have no row.
std::vector<Component> components_of(std::uint64_t xcr0, std::uint64_t xss) {
    std::vector<Component> components;
    for (std::uint32_t number = 2; number <= last_component; ++number) {
        const std::uint64_t bit = std::uint64_t{1} << number;
        if (((xcr0 | xss) & bit) != 0) components.push_back({number, (xss & bit) != 0});
    }
    return components;
}

// True when the place of the row in the standard form is none of the earlier rows', and behind theirs: so it is of all
// but APX and LWP, which have the places of other states that such a CPU lacks.
bool has_own_place(const Registers& row, const Component& component, std::span<const Registers> earlier) noexcept {
    if (component.is_supervisor) return true;
    return std::all_of(earlier.begin(), earlier.end(), [&](const Registers& other) {
        if (is_of_supervisor(other) || row.ebx >= other.ebx + other.eax) return true;
        return component.number >= apx_component && row.ebx + row.eax <= other.ebx;
    });
}

// How many rows can describe the components, one after the other.
std::size_t count_fitting(std::span<const Registers> rows, std::span<const Component> components,
                          std::uint32_t area_bytes) noexcept {
    std::size_t count = 0;
    while (count < std::min(rows.size(), components.size()) && fits(rows[count], components[count], area_bytes) &&
           has_own_place(rows[count], components[count], rows.first(count))) {
        ++count;
    }
    return count;
}

// Which components the rows are of, which can describe the first components. Where there are more components, some of
// the rows may be of later ones, and others between them lost: a row that two components may have cannot be told.
Numbers tell_components(std::span<const Registers> rows, std::span<const Component> components,
                        std::uint32_t area_bytes) {
    Numbers numbers(rows.size());
    std::size_t last = components.size();
    for (std::size_t i = rows.size(); i-- > 0;) {
        do {
            --last;
        } while (!fits(rows[i], components[last], area_bytes));
        if (last == i) numbers[i] = components[i].number;
    }
    return numbers;
}

// Rows come in the order of their components, and some tools stop at the first gap: from the first row
// that does not fit the next announced component on, nothing can be told.
Numbers infer_xsave(std::span<const Registers> rows) {
    Numbers subleaves(rows.size());
    subleaves[0] = 0;
    std::uint64_t xss = 0;
    std::size_t first = 1;
    if (rows.size() > 1 && is_flags_row(rows[1], rows[0])) {
        subleaves[first++] = 1;
        xss = join(rows[1].edx, rows[1].ecx);
    }
    const std::vector<Component> components = components_of(join(rows[0].edx, rows[0].eax), xss);
    const std::uint32_t area_bytes = rows[0].ecx;
    const std::span<const Registers> states = rows.subspan(first);
    const std::size_t fitting = count_fitting(states, components, area_bytes);
    const Numbers told = tell_components(states.first(fitting), components, area_bytes);
    std::copy(told.begin(), told.end(), subleaves.begin() + static_cast<std::ptrdiff_t>(first));
    return subleaves;
}

// True when the rows are all subleaves that the first counts, and not that one over again.
bool is_whole_count(std::span<const Registers> rows) noexcept {
    const bool repeats = std::find(rows.begin() + 1, rows.end(), rows.front()) != rows.end();
    return rows.size() == std::size_t{rows.front().eax} + 1 && !repeats;
}

// Subleaf 0 of a leaf that counts its subleaves has their number, and few have many; what the others have in EAX are
// flags and sizes.
bool may_be_count(std::uint32_t leaf, std::span<const Registers> rows) noexcept {
    constexpr std::uint32_t most_usual = 15;
    constexpr std::uint32_t features_leaf = 0x7;
    const Registers& first = rows.front();
    // What subleaf 2 has in these bits no CPU has in subleaf 0 that has nothing in EBX: it is years younger.
    constexpr std::uint32_t younger = 0x3F;
    if (leaf == features_leaf && first.ebx == 0 && (first.edx & younger) != 0) return false;
    return first.eax <= most_usual || is_whole_count(rows);
}

// What the bitmap of subleaves stands beside in subleaf 0: nothing, but that leaf Fh has a number in EBX.
bool may_be_bitmap(const LeafShape& shape, const Registers& row) noexcept {
    if (shape.reg == Register::eax) return (row.eax & 1U) == 1;  // subleaf 0 is one of them
    return row.eax == 0 && row.ecx == 0;
}

// A list whose subleaves say in ECX[7:0] which they are: leaf Bh and its like.
bool may_be_listed(const LeafShape& shape, const Registers& row) noexcept {
    constexpr std::uint32_t level_number = 0xFF;
    return shape.reg != Register::ecx || (row.ecx & level_number) == 0;
}

// False where the first row is none of subleaf 0, which was lost. That has something to say wherever a feature
// announces the leaf, but for lists, which may be empty.
bool may_be_first(const LeafShape& shape, std::span<const Registers> rows, bool is_announced) noexcept {
    if (shape.how != Subleaves::list && rows.front().all_zero()) return !is_announced;
    switch (shape.how) {
        case Subleaves::counted: return may_be_count(shape.leaf, rows);
        case Subleaves::bitmap: return may_be_bitmap(shape, rows.front());
        case Subleaves::list: return may_be_listed(shape, rows.front());
        case Subleaves::components: return may_be_user_states(rows.front());
    }
    return true;
}

}  // namespace

Numbers infer_subleaves(std::uint32_t leaf, std::span<const Registers> rows, bool is_announced) {
    Numbers subleaves(rows.size());
    if (rows.empty()) return subleaves;
    const LeafShape* const shape = shape_of(leaf);
    if (shape != nullptr && !may_be_first(*shape, rows, is_announced)) return subleaves;
    if (shape != nullptr && shape->how == Subleaves::components) return infer_xsave(rows);
    const bool in_order = shape != nullptr &&
                          (shape->how == Subleaves::list || (shape->how == Subleaves::counted && is_whole_count(rows)));
    for (std::size_t i = 0; i < (in_order ? rows.size() : 1); ++i) subleaves[i] = static_cast<std::uint32_t>(i);
    return subleaves;
}

UnlabelledRows::Placed UnlabelledRows::place(std::uint32_t maximum_basic, TableBuilder& table) && {
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.leaf < b.leaf; });
    Placed placed;
    for (auto first = rows_.begin(); first != rows_.end();) {
        const auto last = std::find_if(first, rows_.end(), [&](const Row& row) { return row.leaf != first->leaf; });
        place_leaf({first, last}, maximum_basic, table, placed);
        first = last;
    }
    return placed;
}

void UnlabelledRows::place_leaf(std::span<const Row> rows, std::uint32_t maximum_basic, TableBuilder& table,
                                Placed& placed) {
    const std::uint32_t leaf = rows.front().leaf;
    std::vector<Registers> values;
    for (const Row& row : rows) values.push_back(row.value);
    const LeafShape* const shape = shape_of(leaf);
    const bool is_announced = shape != nullptr && shape->announced &&
                              shape->announced->feature.is_set_in(table.find(shape->announced->feature.key));
    Numbers subleaves = infer_subleaves(leaf, values, is_announced);
    const bool beyond = range_of(leaf) == 0 && leaf > maximum_basic;
    if (beyond) std::fill(subleaves.begin(), subleaves.end(), 0U);  // left out whatever they are
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (subleaves[i]) table.add({leaf, *subleaves[i]}, rows[i].value, rows[i].line);
    }
    if (beyond) return;
    const auto lost = std::count(subleaves.begin(), subleaves.end(), std::nullopt);
    placed.lost += static_cast<std::size_t>(lost);
    if (lost > 0) placed.unknown.push_back({leaf, std::nullopt});
    // Tools that do not label leaf Dh skip some of its subleaves: a missing subleaf 1 is not zeros.
    const bool has_flags = std::find(subleaves.begin(), subleaves.end(), 1U) != subleaves.end();
    if (leaf == xsave_leaf && !has_flags && !rows.front().value.all_zero()) placed.unknown.push_back({leaf, 1});
}

void note_unknown_subleaves(std::size_t count, std::vector<DumpNote>& notes) {
    if (count == 0) return;
    notes.push_back({"subleaf-unknown",
                     "Left out " + std::to_string(count) + " rows without a label whose subleaf cannot be told."});
}

}  // namespace poolcpuid::dump
