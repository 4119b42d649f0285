#include "promises/join_views.hpp"

#include <algorithm>

#include "promises/sorted_lists.hpp"

namespace poolcpuid::promises {

namespace {

// Of a host is undescribed what every CPU has so much of, and no more than the least of these.
void join_undescribed(TablePromises& host, const TablePromises& cpu) {
    std::erase_if(host.undescribed, [&](const Undescribed& own) { return !cpu.undescribed_value(own.slot); });
    for (Undescribed& own : host.undescribed) own.value = std::min(own.value, *cpu.undescribed_value(own.slot));
}

}  // namespace

void join_cpu(const VendorRules& rules, TablePromises& host, const TablePromises& cpu) {
    // One CPU that is known not to keep a promise settles it, whatever the dump of another leaves open.
    for (std::size_t w = 0; w < host.unknown.size(); ++w) {
        const std::uint64_t broken =
            (~host.unknown[w] & ~host.atoms.words[w]) | (~cpu.unknown[w] & ~cpu.atoms.words[w]);
        host.unknown[w] = (host.unknown[w] | cpu.unknown[w]) & ~broken;
        host.made[w] |= cpu.made[w];
        host.given[w] |= cpu.given[w];
        host.absent[w] = host.absent[w] && cpu.absent[w];
        host.moot[w] &= cpu.moot[w];
        host.implied[w] = (host.implied[w] | cpu.implied[w]) & host.atoms.words[w] & cpu.atoms.words[w];
    }
    host.atoms.meet(rules, cpu.atoms);
    host.scrub_unknown |= cpu.scrub_unknown;
    host.scrub_unknown &= ~host.atoms.scrubs;
    host.immune &= cpu.immune;
    host.heeds &= cpu.heeds;
    host.told |= cpu.told;
    host.in_vain |= cpu.in_vain;
    host.in_vain_unknown = (host.in_vain_unknown | cpu.in_vain_unknown) & ~host.in_vain;
    host.components_unknown |= cpu.components_unknown;
    join_undescribed(host, cpu);
    merge_sorted(host.assumed, cpu.assumed);
    merge_sorted(host.documented_layout, cpu.documented_layout);
    merge_sorted(host.read_clear, cpu.read_clear);
}

namespace {

// Whether the CPU says the number, rather than that the least was taken for it.
bool tells(const VendorRules& rules, const TablePromises& cpu, std::size_t slot) {
    const FieldIndex field = rules.numbers()[slot].field;
    if (rules.rulebook()[field].hypervisor != no_hypervisor) return false;  // it is in that one's view alone
    return cpu.atoms.numbers[slot].known && !cpu.assumes(field) &&
           !cpu.assumes(rules.rulebook()[field].zero_means_field);
}

}  // namespace

Differing::Differing(const VendorRules& rules, const TablePromises& first)
    : words(first.atoms.words.size()), numbers(first.atoms.numbers.size()), told_(numbers.size()), rules_(&rules) {
    add_numbers(first);
}

void Differing::note(const TablePromises& first, const TablePromises& cpu) {
    for (std::size_t w = 0; w < words.size(); ++w) words[w] |= cpu.atoms.words[w] ^ first.atoms.words[w];
    for (std::size_t n = 0; n < numbers.size(); ++n) {
        numbers[n] = numbers[n] || cpu.atoms.numbers[n] != first.atoms.numbers[n];
    }
    add_numbers(cpu);
    scrubs |= cpu.atoms.scrubs ^ first.atoms.scrubs;
    const std::uint64_t untold = first.components_unknown | cpu.components_unknown;
    for (std::size_t c = 0; c < first.atoms.components.size(); ++c) {
        const Component& one = first.atoms.components[c];
        const Component& other = cpu.atoms.components[c];
        if (other == one || ((untold >> c) & 1U) != 0) continue;
        components |= std::uint64_t{1} << c;
        if (other.promised && one.promised) layouts |= std::uint64_t{1} << c;
    }
}

void Differing::add_numbers(const TablePromises& cpu) {
    for (std::size_t n = 0; n < numbers.size(); ++n) {
        if (!tells(*rules_, cpu, n)) continue;
        const Number& own = cpu.atoms.numbers[n];
        const Number before = told_[n].value_or(own);
        if (before == own) {
            told_[n] = own;
            continue;
        }
        told_[n] = meet(rules_->rulebook()[rules_->numbers()[n].field].rule, before, own);
        together[n] = *told_[n];
    }
}

std::vector<std::uint64_t> made_by_hypervisors(const VendorRules& rules) {
    std::vector<std::uint64_t> bits(rules.words().size());
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        const bool is_made = field.emulated || field.made.by != Makers::none || field.hypervisor != no_hypervisor;
        if (!is_made) continue;
        if (const auto word = rules.find_word(index, field.subleaf_first)) bits[*word] |= field.mask();
    }
    return bits;
}

std::vector<std::uint64_t> leave_foreign(const VendorRules& rules, TablePromises& view, const TablePromises& hardware) {
    std::vector<std::uint64_t> foreign(rules.words().size());
    const std::vector<std::uint64_t> made = made_by_hypervisors(rules);
    for (std::size_t w = 0; w < foreign.size(); ++w) {
        // What follows from what the view does not show (no TAA without RTM) needs no bit of the CPU.
        const std::uint64_t shown = view.atoms.words[w] & rules.words()[w].intersect & ~view.implied[w];
        foreign[w] = shown & ~hardware.atoms.words[w] & ~hardware.unknown[w] & ~made[w];
        view.atoms.words[w] &= ~foreign[w];
    }
    return foreign;
}

void meet_differing(const VendorRules& rules, TablePromises& view, const TablePromises& hardware,
                    const Differing& differing) {
    for (const auto& [n, together] : differing.together) {
        Number& number = view.atoms.numbers[n];
        number = meet(rules.rulebook()[rules.numbers()[n].field].rule, number, together);
    }
    view.atoms.scrubs &= ~(differing.scrubs & ~hardware.atoms.scrubs & ~hardware.scrub_unknown) | view.immune;
    for (std::size_t c = 0; c < component_count; ++c) {
        const std::uint64_t bit = std::uint64_t{1} << c;
        if ((differing.components & bit) == 0) continue;
        view.atoms.components[c] = Component{};
        view.components_unknown &= ~bit;
    }
}

namespace {

// Whether VERW scrubs is a matter of the silicon: a view that hides what would say that it does not (MDS_NO) makes
// nothing better, and a bit that is there in vain is so in each view. Kernels know of some microcode that it
// scrubs, and of some models that they are immune, so a view that says so itself counts.
void widen_scrubs(TablePromises& view, const TablePromises& hardware) {
    view.immune |= hardware.immune;
    const std::uint64_t in_vain = hardware.in_vain | (hardware.in_vain_unknown & view.in_vain);
    const std::uint64_t refuted = view.told & ~hardware.scrub_unknown;
    const std::uint64_t shown = hardware.atoms.scrubs | (view.atoms.scrubs & ~refuted);
    view.atoms.scrubs = (shown & ~in_vain) | view.immune;
    view.scrub_unknown &= hardware.scrub_unknown & ~view.atoms.scrubs;
}

}  // namespace

// Capabilities come from the hypervisor's view; relaxed behaviours and obligations from the wider of
// the two, since a kernel that does not know a bit hides bad news that the silicon has.
void widen(const VendorRules& rules, TablePromises& view, const TablePromises& hardware) {
    for (std::size_t w = 0; w < view.atoms.words.size(); ++w) {
        // Where the view is silent, the hardware's word counts: of relaxed behaviours as if there were no view, and
        // what the hardware has not no hypervisor gives (what they make themselves is unknown of hardware).
        const std::uint64_t inverted = rules.words()[w].inverted;
        const std::uint64_t bad_news = inverted & ~hardware.unknown[w] & ~hardware.atoms.words[w];
        const std::uint64_t known = view.unknown[w] & ~hardware.unknown[w];
        const std::uint64_t settled = known & (inverted | ~hardware.atoms.words[w]);
        view.atoms.words[w] |= settled & hardware.atoms.words[w];
        view.atoms.words[w] &= ~bad_news;
        view.unknown[w] &= ~(settled | bad_news);
        // What only the hypervisor hides is there, and does what it does.
        const std::uint64_t doubtful = view.implied[w] & ~hardware.moot[w] & ~hardware.atoms.words[w];
        view.atoms.words[w] &= ~doubtful;
        view.implied[w] &= ~doubtful;
        view.unknown[w] |= doubtful & hardware.unknown[w];
    }
    for (std::size_t n = 0; n < view.atoms.numbers.size(); ++n) {
        const Number& other = hardware.atoms.numbers[n];
        Number& number = view.atoms.numbers[n];
        if (rules.rulebook()[rules.numbers()[n].field].rule != Rule::max || !other.known) continue;
        number = number.known ? meet(Rule::max, number, other) : other;
    }
    widen_scrubs(view, hardware);
    view.heeds = hardware.heeds;  // what a hypervisor goes by, not what it shows to guests
}

}  // namespace poolcpuid::promises
