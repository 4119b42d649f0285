#include "dump/completeness.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/lists.hpp"
#include "dump/leaf_shapes.hpp"
#include "dump/reader.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::size_t most_named = 8;  // logical CPUs in a note

// Leaves beyond these are not defined by any vendor: no need to call them unknown, and a damaged
// maximum must not cost thousands of entries.
constexpr std::uint32_t last_basic_leaf = 0x3F;
constexpr std::uint32_t last_extended_leaf = 0x8000003F;
// The extended leaves that a CPU with SSE2 may be asked for when the dump has lost their range.
constexpr std::uint32_t usual_extended_maximum = 0x80000028;

class Completer {
public:
    Completer(CpuidTable& table, const Habits& habits)
        : table_(table), habits_(habits), amd_(vendor_string(table) == "AuthenticAMD") {}

    // Returns whether the dump was cut off.
    bool run() {
        const bool cut_basic = mark_leaves(0, last_basic_leaf);
        const bool cut_extended = mark_extended_range();
        for (const LeafShape& shape : leaf_shapes()) mark_subleaves(shape);
        tidy();
        return cut_basic || cut_extended;
    }

private:
    bool expresses(LeafKey key) const noexcept {
        const auto expresses =
            amd_ && habits_.expresses_of_amd != nullptr ? habits_.expresses_of_amd : habits_.expresses;
        return expresses == nullptr || expresses(key);
    }

    bool has_row_of(std::uint32_t leaf) const noexcept {
        const auto at = std::lower_bound(table_.rows.begin(), table_.rows.end(), LeafKey{leaf, 0},
                                         [](const CpuidRow& row, LeafKey wanted) { return row.key < wanted; });
        return at != table_.rows.end() && at->key.leaf == leaf;
    }

    bool is_set(const FeatureBit& bit) const noexcept { return bit.is_set_in(table_.find(bit.key)); }

    bool is_announced(std::uint32_t leaf) const noexcept {
        const LeafShape* const shape = shape_of(leaf);
        if (shape == nullptr || !shape->announced) return false;
        const auto& [feature, is_filled_in] = *shape->announced;
        return is_set(feature) && !(is_filled_in && habits_.of_guests);
    }

    // True when the format prints the leaf even if it is all zeros.
    bool prints(std::uint32_t leaf) const noexcept {
        const bool may_be_omitted = has_subleaves(leaf) && leaf != 0x7;
        return may_be_omitted ? habits_.zero_subleafed : habits_.zero_leaves;
    }

    // Where rows of zeros are left out, one that is missing was zeros as long as another one follows.
    bool may_be_cut_off(LeafKey key) const noexcept {
        return habits_.in_order && !table_.rows.empty() && table_.rows.back().key < key;
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
                // Subleaf 0 of a leaf that has another is never zeros, and says which others there are.
                if (table_.find({leaf, 0}) == nullptr) mark(leaf);
                continue;
            }
            const bool expressible = expresses({leaf, 0});
            const bool is_printed = prints(leaf) || is_announced(leaf);
            if (expressible && !is_printed && !may_be_cut_off({leaf, 0})) continue;
            mark(leaf);
            cut = cut || (expressible && is_printed);
        }
        return cut;
    }

    // Every CPU with SSE2, and AMD's all, have the extended range: a dump without it was cut off. One that has lost
    // the row of its maximum alone was not, and says what its other rows say.
    bool mark_extended_range() {
        if (table_.find({extended_range, 0}) != nullptr) return mark_leaves(extended_range, last_extended_leaf);
        constexpr FeatureBit sse2{{0x1, 0}, Register::edx, 26};
        bool has_any = false;
        for (const CpuidRow& row : table_.rows) has_any = has_any || row.key.leaf >> 16U == extended_range >> 16U;
        if (!amd_ && !has_any && !is_set(sse2)) return false;
        for (std::uint32_t leaf = extended_range; leaf <= usual_extended_maximum; ++leaf) {
            if (table_.find({leaf, 0}) == nullptr) mark(leaf);
        }
        return !has_any;
    }

    void mark_subleaf(LeafKey key) {
        if (table_.find(key) != nullptr) return;
        if (habits_.announced_subleaves || !expresses(key) || may_be_cut_off(key)) mark(key.leaf, key.subleaf);
    }

    void mark_subleaves(const LeafShape& shape) {
        const Registers* first = table_.find({shape.leaf, 0});
        if (first == nullptr) return;
        switch (shape.how) {
            case Subleaves::counted:
            case Subleaves::bitmap: return mark_announced(shape, *first);
            case Subleaves::list: return mark_inexpressible_list(shape.leaf, *first);
            case Subleaves::components: return mark_components(*first);
        }
    }

    void mark_announced(const LeafShape& shape, const Registers& first) {
        const AnnouncedSubleaves announced = announced_subleaves(shape, first);
        if (announced.cut) return mark(shape.leaf);
        for (const std::uint32_t subleaf : announced.subleaves) mark_subleaf({shape.leaf, subleaf});
    }

    // A list does not say how long it is: where the format has no place for any subleaf but 0 (or an old
    // version of the tool had none), the others are unknown unless the leaf is empty.
    void mark_inexpressible_list(std::uint32_t leaf, const Registers& first) {
        if (first.all_zero()) return;
        const bool told = habits_.grew ? table_.find({leaf, 1}) != nullptr : expresses({leaf, 1});
        if (!told) mark(leaf);
    }

    // XSAVE components that XCR0 or IA32_XSS can enable have a size, in every format: a missing row or
    // one of zeros says nothing of the layout. Some tools print zeros for the last component.
    void mark_components(const Registers& user) {
        if (user.all_zero()) return;
        if (!expresses({xsave_leaf, 1})) return mark(xsave_leaf);
        const LeafKey instructions{xsave_leaf, 1};  // every CPU with XSAVE has the row, be it of zeros
        const Registers* flags = table_.find(instructions);
        if (flags == nullptr && (habits_.zero_leaves || may_be_cut_off(instructions))) mark(xsave_leaf, 1);
        const std::uint64_t components = announced_components(user, flags != nullptr ? *flags : Registers{});
        for (std::uint32_t component = 2; component <= last_component; ++component) {
            if ((components >> component & 1U) == 0) continue;
            const LeafKey key{xsave_leaf, component};
            const Registers* row = table_.find(key);
            if (row != nullptr && row->eax != 0) continue;
            if (row != nullptr) std::erase_if(table_.rows, [&](const CpuidRow& each) { return each.key == key; });
            mark(xsave_leaf, component);
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
    const Habits& habits_;
    bool amd_;
};

}  // namespace

bool mark_unknown(CpuidTable& table, const Format& format) {
    return format.habits && mark_unknown(table, *format.habits);
}

bool mark_unknown(CpuidTable& table, const Habits& habits) { return Completer(table, habits).run(); }

void note_truncated(const std::vector<std::string>& cut, std::vector<DumpNote>& notes) {
    if (cut.empty()) return;
    notes.push_back({"truncated", "The rows of logical CPU " + short_list(cut, most_named) +
                                      " end before the maximum leaf: what is missing is unknown."});
}

}  // namespace poolcpuid::dump
