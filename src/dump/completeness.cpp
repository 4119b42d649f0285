#include "dump/completeness.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "dump/leaf_ranges.hpp"

namespace poolcpuid::dump {

namespace {

// Leaves beyond these are not defined by any vendor: no need to call them unknown, and a damaged
// maximum must not cost thousands of entries.
constexpr std::uint32_t last_basic_leaf = 0x3F;
constexpr std::uint32_t last_extended_leaf = 0x8000003F;
// The extended leaves that a CPU with SSE2 may be asked for when the dump has lost their range.
constexpr std::uint32_t usual_extended_maximum = 0x80000028;
// More subleaves than any leaf announces; a larger number is damaged or means something else.
constexpr std::uint32_t most_subleaves = 64;

constexpr std::uint32_t xsave_leaf = 0xD;

// What a format prints when a leaf is all zeros: if it prints such rows, a missing one is unknown.
struct Habits {
    bool zero_leaves;          // leaves without subleaves
    bool zero_subleafed;       // leaves with subleaves, all of them zeros
    bool announced_subleaves;  // subleaves that subleaf 0 announces
};

Habits habits_of(DumpFormat format) noexcept {
    switch (format) {
        case DumpFormat::instlatx64:
        case DumpFormat::libvirt:
        case DumpFormat::cpuid_r: return {true, false, true};  // cpuid -r re-emits the dumps of others
        case DumpFormat::libcpuid: return {true, true, true};
        case DumpFormat::kcpuid:       // omits every row of zeros
        case DumpFormat::firecracker:  // KVM's own list: what it does not list reads as zeros
        case DumpFormat::host_json: break;
    }
    return {false, false, false};
}

bool is_one_of(std::uint32_t leaf, std::initializer_list<std::uint32_t> leaves) noexcept {
    return std::find(leaves.begin(), leaves.end(), leaf) != leaves.end();
}

// libcpuid has arrays of 32 basic and 32 extended leaves, and arrays of subleaves for a few.
bool libcpuid_expresses(LeafKey key) noexcept {
    constexpr std::uint32_t array_size = 32;
    if (is_one_of(key.leaf, {0x4, 0xB, 0x12, 0x14, 0x8000001D, 0x80000026})) return true;
    return key.subleaf == 0 && (key.leaf & ~extended_range) < array_size;
}

// kcpuid's list of leaves with subleaves is another one on AMD; of the rest it prints subleaf 0. Its
// vendor test takes Hygon for Intel.
bool kcpuid_expresses(LeafKey key, bool amd) noexcept {
    if (key.subleaf == 0 || is_one_of(key.leaf, {0x7, 0xD})) return true;
    if (amd) return key.leaf == 0x8000001D;
    if (key.leaf == 0xB) return key.subleaf < 2;
    return is_one_of(key.leaf, {0x4, 0xF, 0x10, 0x14, 0x18, 0x1F});
}

// Leaves whose subleaf 0 counts the others in EAX: the highest subleaf (SDM vol. 2A, CPUID).
constexpr std::array<std::uint32_t, 7> counted_leaves{0x7, 0x14, 0x17, 0x18, 0x1D, 0x20, 0x24};
// Here EAX has a bit for each subleaf.
constexpr std::uint32_t bitmap_leaf = 0x23;

// A feature bit that is clear on every CPU where the leaf is zeros.
struct Announcement {
    std::uint32_t leaf;
    LeafKey key;
    Register reg;
    unsigned bit;
};

constexpr std::array announcements{
    Announcement{xsave_leaf, {0x1, 0}, Register::ecx, 26},  // XSAVE
    Announcement{0x14, {0x7, 0}, Register::ebx, 25},        // processor trace
    Announcement{0x1D, {0x7, 0}, Register::edx, 24},        // AMX-TILE
    Announcement{0x1E, {0x7, 0}, Register::edx, 24},       Announcement{0x20, {0x7, 1}, Register::eax, 22},  // HRESET
    Announcement{0x23, {0x7, 1}, Register::eax, 8},   // architectural performance monitoring, extended
    Announcement{0x24, {0x7, 1}, Register::edx, 19},  // AVX10
};

class Completer {
public:
    Completer(CpuidTable& table, DumpFormat format)
        : table_(table), format_(format), habits_(habits_of(format)), amd_(vendor_string(table) == "AuthenticAMD") {}

    // Returns whether the dump was cut off.
    bool run() {
        const bool cut_basic = mark_leaves(0, last_basic_leaf);
        const bool cut_extended = mark_extended_range();
        for (const std::uint32_t leaf : counted_leaves) mark_counted_subleaves(leaf);
        mark_bitmap_subleaves();
        mark_components();
        mark_inexpressible_subleaves();
        tidy();
        return cut_basic || cut_extended;
    }

private:
    bool expresses(LeafKey key) const noexcept {
        switch (format_) {
            case DumpFormat::libcpuid: return libcpuid_expresses(key);
            case DumpFormat::kcpuid: return kcpuid_expresses(key, amd_);
            default: return true;
        }
    }

    bool has_row_of(std::uint32_t leaf) const noexcept {
        const auto at = std::lower_bound(table_.rows.begin(), table_.rows.end(), LeafKey{leaf, 0},
                                         [](const CpuidRow& row, LeafKey wanted) { return row.key < wanted; });
        return at != table_.rows.end() && at->key.leaf == leaf;
    }

    bool is_set(LeafKey key, Register reg, unsigned bit) const noexcept {
        const Registers* value = table_.find(key);
        return value != nullptr && ((*value)[reg] >> bit & 1U) == 1;
    }

    bool is_announced(std::uint32_t leaf) const noexcept {
        return std::any_of(announcements.begin(), announcements.end(), [&](const Announcement& one) {
            return one.leaf == leaf && is_set(one.key, one.reg, one.bit);
        });
    }

    // True when the format prints the leaf even if it is all zeros.
    bool prints(std::uint32_t leaf) const noexcept {
        const bool may_be_omitted = has_subleaves(leaf) && leaf != 0x7;
        return may_be_omitted ? habits_.zero_subleafed : habits_.zero_leaves;
    }

    void mark(std::uint32_t leaf, std::optional<std::uint32_t> subleaf = std::nullopt) {
        table_.unknown.push_back({leaf, subleaf});
    }

    // Marks the missing leaves of a range, up to its maximum. Returns whether its end was cut off: the
    // last leaf that the format would have printed is missing.
    bool mark_leaves(std::uint32_t first, std::uint32_t last) {
        const std::optional<std::uint32_t> maximum = maximum_leaf(table_, first);
        if (!maximum) return false;
        bool cut = false;
        for (std::uint32_t leaf = first; leaf <= std::min(*maximum, last); ++leaf) {
            if (has_row_of(leaf)) {
                cut = false;
                continue;
            }
            const bool expressible = expresses({leaf, 0});
            if (expressible && !prints(leaf) && !is_announced(leaf)) continue;
            mark(leaf);
            cut = cut || expressible;
        }
        return cut;
    }

    // Every CPU with SSE2, and AMD's all, have the extended range: a dump without it was cut off.
    bool mark_extended_range() {
        if (table_.find({extended_range, 0}) != nullptr) return mark_leaves(extended_range, last_extended_leaf);
        constexpr unsigned sse2 = 26;
        if (!amd_ && !is_set({1, 0}, Register::edx, sse2)) return false;
        for (std::uint32_t leaf = extended_range; leaf <= usual_extended_maximum; ++leaf) mark(leaf);
        return true;
    }

    void mark_subleaf(LeafKey key) {
        if (table_.find(key) != nullptr) return;
        if (habits_.announced_subleaves || !expresses(key)) mark(key.leaf, key.subleaf);
    }

    void mark_counted_subleaves(std::uint32_t leaf) {
        const Registers* counter = table_.find({leaf, 0});
        if (counter == nullptr) return;
        const std::uint32_t last = counter->eax;
        if (last >= most_subleaves) {
            mark(leaf);
            return;
        }
        for (std::uint32_t subleaf = 1; subleaf <= last; ++subleaf) mark_subleaf({leaf, subleaf});
    }

    void mark_bitmap_subleaves() {
        for (std::uint32_t subleaf = 1; subleaf < 32; ++subleaf) {
            if (is_set({bitmap_leaf, 0}, Register::eax, subleaf)) mark_subleaf({bitmap_leaf, subleaf});
        }
    }

    // XSAVE components that XCR0 or IA32_XSS can enable have a size, in every format: a missing row or
    // one of zeros says nothing of the layout. Some tools print zeros for the last component.
    void mark_components() {
        const Registers* user = table_.find({xsave_leaf, 0});
        if (user == nullptr || user->all_zero()) return;
        if (!expresses({xsave_leaf, 1})) {
            mark(xsave_leaf);
            return;
        }
        std::uint64_t components = std::uint64_t{user->edx} << 32U | user->eax;
        if (const Registers* flags = table_.find({xsave_leaf, 1})) {
            components |= std::uint64_t{flags->edx} << 32U | flags->ecx;
        }
        for (std::uint32_t component = 2; component < 63; ++component) {
            if ((components >> component & 1U) == 0) continue;
            const LeafKey key{xsave_leaf, component};
            const Registers* row = table_.find(key);
            if (row != nullptr && row->eax != 0) continue;
            if (row != nullptr) std::erase_if(table_.rows, [&](const CpuidRow& each) { return each.key == key; });
            mark(xsave_leaf, component);
        }
    }

    // Leaves that do not count their subleaves: where the format has no place for any but subleaf 0 (or
    // an old version of the tool had none), the others are unknown unless the leaf is empty.
    void mark_inexpressible_subleaves() {
        if (format_ != DumpFormat::libcpuid && format_ != DumpFormat::kcpuid) return;
        for (const std::uint32_t leaf :
             {0x4U, 0xBU, 0xFU, 0x10U, 0x12U, 0x1BU, 0x1EU, 0x1FU, 0x8000001DU, 0x80000020U, 0x80000026U}) {
            const Registers* first = table_.find({leaf, 0});
            if (first == nullptr || first->all_zero()) continue;
            const bool told =
                format_ == DumpFormat::libcpuid ? table_.find({leaf, 1}) != nullptr : expresses({leaf, 1});
            if (!told) mark(leaf);
        }
    }

    // Sorts; drops repeats, and subleaves of leaves that are unknown as a whole.
    void tidy() {
        auto& unknown = table_.unknown;
        std::sort(unknown.begin(), unknown.end());
        unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
        std::optional<std::uint32_t> whole;
        std::erase_if(unknown, [&](const UnknownRow& row) {
            if (!row.subleaf) whole = row.leaf;
            return row.subleaf && whole == row.leaf;
        });
    }

    CpuidTable& table_;
    DumpFormat format_;
    Habits habits_;
    bool amd_;
};

std::string list_numbers(const std::vector<std::uint32_t>& numbers) {
    constexpr std::size_t most = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(numbers.size(), most); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
    }
    return numbers.size() > most ? text + " and " + std::to_string(numbers.size() - most) + " more" : text;
}

}  // namespace

bool mark_unknown(CpuidTable& table, DumpFormat format) {
    return format != DumpFormat::host_json && Completer(table, format).run();
}

void mark_unknown(HardwareView& view, DumpFormat format, std::vector<DumpNote>& notes) {
    std::vector<std::uint32_t> cut;
    for (LogicalCpu& cpu : view.cpus) {
        if (mark_unknown(cpu.cpuid, format)) cut.push_back(cpu.number);
    }
    if (cut.empty()) return;
    notes.push_back({"truncated", "The rows of logical CPU " + list_numbers(cut) +
                                      " end before the maximum leaf: what is missing is unknown."});
}

}  // namespace poolcpuid::dump
