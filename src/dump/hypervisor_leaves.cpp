#include "dump/hypervisor_leaves.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string_view>
#include <vector>

namespace poolcpuid::dump {

namespace {

constexpr std::uint32_t block_mask = 0xFFFFFF00U;

bool is_of_hypervisors(std::uint32_t leaf) noexcept { return range_of(leaf) == hypervisor_range; }

constexpr std::uint32_t in_first_block(std::uint32_t leaf) noexcept { return hypervisor_range | (leaf & ~block_mask); }

// Whether the registers hold the text, with zeros behind it.
bool spell(std::initializer_list<std::uint32_t> registers, std::string_view text) noexcept {
    std::size_t at = 0;
    for (const std::uint32_t part : registers) {
        for (unsigned shift = 0; shift < 32; shift += 8, ++at) {
            const auto expected = at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
            if ((part >> shift & 0xFFU) != expected) return false;
        }
    }
    return true;
}

// The leaf of a row, or of what else a table lists.
template <typename Row>
auto& leaf_in(Row& row) noexcept {
    if constexpr (requires { row.key; }) {
        return row.key.leaf;
    } else {
        return row.leaf;
    }
}

void sort_rows(std::vector<CpuidRow>& rows) {
    std::sort(rows.begin(), rows.end(), [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; });
}
void sort_rows(std::vector<UnknownRow>& rows) { std::sort(rows.begin(), rows.end()); }

// Calls body with each list of the table.
template <typename Body>
void for_each_list(CpuidTable& table, const Body& body) {
    body(table.rows);
    body(table.unknown);
    body(table.unknown_bits);
}

// Takes those of hypervisors out of the rows, and puts those of others there.
template <typename Row>
void take_rows(std::vector<Row> from, std::vector<Row>& into) {
    std::erase_if(into, [](const Row& row) { return is_of_hypervisors(leaf_in(row)); });
    std::erase_if(from, [](const Row& row) { return !is_of_hypervisors(leaf_in(row)); });
    into.insert(into.end(), from.begin(), from.end());
    sort_rows(into);
}

// Puts the rows of hypervisors' leaves where the rulebook has them.
class Mover {
public:
    Mover(const Rulebook& rulebook, const CpuidTable& table) {
        for (const Field& field : rulebook.fields) {
            if (field.hypervisor == no_hypervisor) continue;
            const auto [at, is_new] = homes_.try_emplace(field.leaf);
            if (is_new) at->second = block_of(table, rulebook.hypervisors[field.hypervisor]);
        }
    }

    bool moves_any(const CpuidTable& table) const {
        return std::any_of(table.rows.begin(), table.rows.end(),
                           [this](const CpuidRow& row) { return place_of(row.key.leaf) != row.key.leaf; });
    }

    template <typename Row>
    void move(std::vector<Row>& rows) const {
        std::erase_if(rows, [this](const Row& row) { return !place_of(leaf_in(row)); });
        for (Row& row : rows) leaf_in(row) = place_of(leaf_in(row)).value_or(leaf_in(row));
    }

private:
    // Where the leaf goes; nothing: away.
    std::optional<std::uint32_t> place_of(std::uint32_t leaf) const {
        if (!is_of_hypervisors(leaf)) return leaf;
        const auto home = homes_.find(in_first_block(leaf));
        if (home == homes_.end()) return leaf;
        if (home->second == std::optional(leaf & block_mask)) return home->first;
        return (leaf & block_mask) == hypervisor_range ? std::nullopt : std::optional(leaf);
    }

    static std::optional<std::uint32_t> block_of(const CpuidTable& table, const HypervisorInterface& interface) {
        for (const CpuidRow& row : table.rows) {
            const std::uint32_t block = row.key.leaf & block_mask;
            if (is_of_hypervisors(block) && serves(table, block, interface)) return block;
        }
        return std::nullopt;
    }

    std::map<std::uint32_t, std::optional<std::uint32_t>> homes_;  // by leaf: the block of its interface
};

}  // namespace

bool serves(const CpuidTable& table, std::uint32_t block, const HypervisorInterface& interface) noexcept {
    const Registers* first = table.find({block, 0});
    const Registers* second = table.find({block + 1, 0});
    const std::string_view signature = interface.signature;
    const std::string_view word = interface.interface;
    return (signature.empty() || (first != nullptr && spell({first->ebx, first->ecx, first->edx}, signature))) &&
           (word.empty() || (second != nullptr && spell({second->eax}, word)));
}

bool serves(const CpuidTable& table, std::uint32_t block, std::string_view id) noexcept {
    const HypervisorInterface* interface = builtin_rulebook().find_hypervisor(id);
    return interface != nullptr && serves(table, block, *interface);
}

std::optional<CpuidTable> with_hypervisor_leaves(const Rulebook& rulebook, const CpuidTable& table) {
    const bool has_any = std::any_of(table.rows.begin(), table.rows.end(),
                                     [](const CpuidRow& row) { return is_of_hypervisors(row.key.leaf); });
    if (!has_any || table.is_unknown({hypervisor_range, 0})) return std::nullopt;
    const Mover mover(rulebook, table);
    if (!mover.moves_any(table)) return std::nullopt;
    CpuidTable result = table;
    for_each_list(result, [&](auto& rows) {
        mover.move(rows);
        sort_rows(rows);
    });
    return result;
}

void take_hypervisor_leaves(const CpuidTable& from, CpuidTable& into) {
    if (from.is_unknown({hypervisor_range, 0})) return;
    take_rows(from.rows, into.rows);
    take_rows(from.unknown, into.unknown);
    take_rows(from.unknown_bits, into.unknown_bits);
}

std::optional<std::uint32_t> known_leaf(const Rulebook& rulebook, const CpuidTable& table,
                                        std::uint32_t leaf) noexcept {
    if (!is_of_hypervisors(leaf)) return leaf;
    const std::uint32_t place = in_first_block(leaf);
    const auto* const field = std::find_if(rulebook.fields.begin(), rulebook.fields.end(), [&](const Field& entry) {
        return entry.leaf == place && entry.hypervisor != no_hypervisor;
    });
    const auto is_of = [&](const HypervisorInterface& interface) {
        return serves(table, leaf & block_mask, interface);
    };
    const bool is_known = field == rulebook.fields.end()
                              ? std::any_of(rulebook.hypervisors.begin(), rulebook.hypervisors.end(), is_of)
                              : is_of(rulebook.hypervisors[field->hypervisor]);
    return is_known ? std::optional(place) : std::nullopt;
}

}  // namespace poolcpuid::dump
