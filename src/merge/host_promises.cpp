#include "merge/host_promises.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "dump/hypervisor_leaves.hpp"
#include "dump/own_ids.hpp"
#include "dump/virtual_machine.hpp"
#include "merge/pool.hpp"
#include "merge/table_promises.hpp"
#include "merge/table_values.hpp"
#include "policy/cpu_kinds.hpp"

namespace poolcpuid::merge {

namespace {

template <typename T>
void merge_sorted(std::vector<T>& into, const std::vector<T>& from) {
    into.insert(into.end(), from.begin(), from.end());
    std::sort(into.begin(), into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end());
}

// The fields of a word whose bits are in mask.
void collect_fields(const Plan& plan, const PromiseWord& word, std::uint64_t mask, std::vector<FieldIndex>& out) {
    const LeafKey key = word.place.key;
    for (const FieldIndex index : plan.fields()) {
        const Field& field = plan.rulebook()[index];
        if (place_of(field, key.subleaf) == word.place && (field.mask() & mask) != 0 && promises_by_bits(field.rule) &&
            field.is_in_subleaf(key.subleaf)) {
            out.push_back(index);
        }
    }
}

class HostReader {
public:
    HostReader(const Plan& plan, const HostDump& host)
        : plan_(plan), rulebook_(plan.rulebook()), host_(host), kinds_(cpu_kinds(rulebook_, host)) {
        if (host.hypervisor) offered_ = &with_own_leaves(host.hypervisor->cpuid);
        if (!host.hardware) return;
        cpus_ = different_tables(*host.hardware);
        // What is read of one CPU is read of the one that stands for the host.
        const auto lender = std::find(cpus_.begin(), cpus_.end(), kinds_.front().table);
        if (lender != cpus_.end()) std::rotate(cpus_.begin(), lender, lender + 1);
        dumped_ = cpus_;
        for (const CpuidTable*& cpu : cpus_) {
            const auto settings = dump::hiding_settings(rulebook_, *cpu, host.hardware->msrs);
            merge_sorted(result_.hiding, settings);
            if (!settings.empty()) cpu = &changed_.emplace_back(dump::with_hidden_unknown(rulebook_, *cpu, settings));
            cpu = &with_own_leaves(*cpu);
        }
    }

    HostPromises read() {
        describe();
        std::optional<TablePromises> hardware;
        std::optional<TablePromises> hypervisor;
        if (host_.hardware) hardware = read_cpus();
        if (host_.hypervisor) hypervisor = read_hypervisor();
        TablePromises host = hypervisor ? std::move(*hypervisor) : *hardware;
        read_offered(host);
        result_.withheld.resize(host.unknown.size());
        if (hypervisor && hardware) {
            find_withheld(host, *hardware);
            find_unpermitted(host, *hardware);
            widen(host, *hardware);
        }
        result_.atoms = std::move(host.atoms);
        for (const CpuKind& kind : kinds_) {
            const auto& revision = silicon_of(kind.leaf1_eax).microcode;
            result_.atoms.microcode[kind.leaf1_eax] = {revision.has_value(), revision.value_or(0)};
        }
        result_.unknown = std::move(host.unknown);
        result_.implied = std::move(host.implied);
        result_.absent = std::move(host.absent);
        result_.scrub_unknown = host.scrub_unknown;
        result_.immune = host.immune;
        result_.heeds = host.heeds;
        result_.assumed = std::move(host.assumed);
        result_.components_unknown = host.components_unknown;
        result_.documented_layout = std::move(host.documented_layout);
        result_.read_clear = std::move(host.read_clear);
        result_.is_partial = host_.is_partial();
        apply_model();
        for (const RetpolineBits& group : plan_.retpoline()) join_bad_news(plan_, group, result_);
        leave_to_kernels(host);
        keep_made(host);
        find_silent_rows();
        find_strays();
        find_easings();
        return std::move(result_);
    }

private:
    // What a hypervisor's leaf says is said under its signature alone.
    const CpuidTable& with_own_leaves(const CpuidTable& table) {
        auto own = dump::with_hypervisor_leaves(rulebook_, table);
        return own ? changed_.emplace_back(std::move(*own)) : table;
    }

    // An MSR that is not there shows no bad news to guests, though it promises nothing.
    void read_offered(const TablePromises& view) {
        result_.offered = view.atoms.words;
        for (std::size_t w = 0; w < result_.offered.size(); ++w) {
            if (view.absent[w]) result_.offered[w] |= view.unknown[w];
        }
    }

    // What the CPU can do and guests are not given; what VMMs emulate is no doing of the CPU.
    void find_withheld(const TablePromises& view, const TablePromises& hardware) {
        for (std::size_t w = 0; w < view.unknown.size(); ++w) {
            const std::uint64_t kept = plan_.words()[w].intersect & hardware.atoms.words[w];
            result_.withheld[w] = kept & ~view.atoms.words[w] & ~view.unknown[w];
        }
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (!field.emulated) continue;
            if (const auto word = plan_.find_word(index, field.subleaf_first)) {
                result_.withheld[*word] &= ~field.mask();
            }
        }
    }

    // Some states the kernel enables for a process when it uses them (XFD: ECX[2] of the row; SDM vol. 1, 13.14). KVM
    // leaves them out of its answer to a process that has not asked to give them to guests (K kvm/cpuid.c case 0xd:
    // permitted_xcr0), and lists their features all the same: the answer does not say that guests cannot have them.
    void find_unpermitted(TablePromises& view, const TablePromises& hardware) {
        if (!plan_.xsave_leaf()) return;
        std::uint64_t asked_for = 0;
        for (const XsaveComponent& component : rulebook_.xsave) {
            const Registers* row = result_.table->find({*plan_.xsave_leaf(), component.bit});
            const bool is_dynamic = row != nullptr && (row->ecx & 4U) != 0;
            if (is_dynamic) asked_for |= component.together | std::uint64_t{1} << component.bit;
        }
        const ViewReader reader(plan_, *offered_, *result_.msrs);
        for (const XsaveComponent& component : rulebook_.xsave) {
            const std::uint64_t bit = std::uint64_t{1} << component.bit;
            const bool is_left_out = (asked_for & bit) != 0 && hardware.atoms.components[component.bit].promised &&
                                     !view.atoms.components[component.bit].promised;
            if (is_left_out && reader.shows_any(component.features)) result_.unpermitted |= bit;
        }
        view.components_unknown |= result_.unpermitted;
    }

    // What the model table settled is not for a hypervisor's view to tell.
    void keep_made(const TablePromises& host) {
        for (std::size_t w = 0; w < result_.unknown.size(); ++w) {
            result_.made.push_back(host.made[w] & result_.unknown[w]);
            result_.given.push_back(host.given[w] & result_.unknown[w]);
        }
    }

    // The MSRs of the view that capabilities come from. One that knows nothing of MSRs does not know which of the
    // silicon's it gives: no promise of theirs is one of the host's, and bad news comes from the silicon (widen).
    const Msrs& chosen_msrs() const { return host_.hypervisor ? host_.hypervisor->msrs : host_.hardware->msrs; }

    // The silicon's leaves, and those of hypervisors as their own view has them.
    CpuidTable whole_table() const {
        if (cpus_.empty()) return *offered_;
        CpuidTable table = *cpus_.front();
        if (offered_ != nullptr) dump::take_hypervisor_leaves(*offered_, table);
        return table;
    }

    void describe() {
        result_.table = std::make_shared<const CpuidTable>(whole_table());
        result_.msrs = std::make_shared<const Msrs>(chosen_msrs());
        result_.offered_table = offered_ != nullptr ? std::make_shared<const CpuidTable>(*offered_) : result_.table;
        result_.has_hardware_view = host_.hardware.has_value();
        result_.has_hypervisor_view = host_.hypervisor.has_value();
        result_.has_msrs = result_.msrs->has_value();
        result_.kernel = kernel_of(host_);
        result_.leaf1_eax = kinds_.front().leaf1_eax;
        result_.signature = signature_of(result_.leaf1_eax);
        const ViewReader first(plan_, *result_.table, *result_.msrs);
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            const bool is_silent =
                field.rule == Rule::identity && !field.is_msr && !first.field(field, field.subleaf_first);
            result_.silent_identity += is_silent ? 1 : 0;
        }
        describe_silicon();
    }

    // The revision that a dump says is the first CPU's, and says nothing of one of another signature.
    void describe_silicon() {
        const std::uint32_t with_revision = signature_in(host_.first_table());
        for (const CpuKind& kind : kinds_) {
            Silicon silicon;
            silicon.model = rulebook_.model_of(plan_.vendor(), signature_of(kind.leaf1_eax));
            if (kind.leaf1_eax == with_revision) silicon.microcode = microcode_revision(host_);
            silicon.taken_in = dump::taken_in(host_);
            if (&kind == &kinds_.front()) {
                result_.silicon = silicon;
            } else {
                result_.other_silicon.push_back(silicon);
            }
        }
    }

    const Silicon& silicon_of(std::uint32_t signature) const {
        for (std::size_t i = 1; i < kinds_.size(); ++i) {
            if (kinds_[i].leaf1_eax == signature) return result_.other_silicon[i - 1];
        }
        return result_.silicon;
    }

    TablePromises read_cpu(const CpuidTable& table) const {
        return read_view(plan_, ViewReader(plan_, table, host_.hardware->msrs), silicon_of(signature_in(table)),
                         ViewKind::hardware);
    }

    // The view speaks for all kinds of CPU.
    TablePromises read_hypervisor() const {
        const ViewReader view(plan_, *offered_, *result_.msrs);
        TablePromises all = read_view(plan_, view, result_.silicon, ViewKind::hypervisor);
        for (const Silicon& silicon : result_.other_silicon) {
            join_cpu(all, read_view(plan_, view, silicon, ViewKind::hypervisor));
        }
        return all;
    }

    // The meet over the logical CPUs: a vCPU may run on any of them.
    TablePromises read_cpus() {
        TablePromises host = read_cpu(*cpus_.front());
        const Atoms first = host.atoms;
        std::vector<std::uint64_t> differs(first.words.size());
        for (std::size_t i = 1; i < cpus_.size(); ++i) {
            const TablePromises cpu = read_cpu(*cpus_[i]);
            for (std::size_t w = 0; w < differs.size(); ++w) differs[w] |= cpu.atoms.words[w] ^ first.words[w];
            for (std::size_t n = 0; n < first.numbers.size(); ++n) {
                if (cpu.atoms.numbers[n] != first.numbers[n]) result_.uneven.push_back(plan_.numbers()[n].field);
            }
            for (std::size_t c = 0; c < first.components.size(); ++c) {
                const bool on_both = cpu.atoms.components[c].promised && first.components[c].promised;
                const bool differ = on_both && cpu.atoms.components[c] != first.components[c];
                if (differ) result_.uneven_layouts |= std::uint64_t{1} << c;
            }
            join_cpu(host, cpu);
        }
        for (std::size_t w = 0; w < differs.size(); ++w) {
            if (differs[w] != 0) collect_fields(plan_, plan_.words()[w], differs[w], result_.uneven);
        }
        merge_sorted(result_.uneven, {});
        return host;
    }

    void join_cpu(TablePromises& host, const TablePromises& cpu) const {
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
        host.atoms.meet(plan_, cpu.atoms);
        host.scrub_unknown |= cpu.scrub_unknown;
        host.scrub_unknown &= ~host.atoms.scrubs;
        host.immune &= cpu.immune;
        host.heeds &= cpu.heeds;
        host.told |= cpu.told;
        host.in_vain |= cpu.in_vain;
        host.in_vain_unknown = (host.in_vain_unknown | cpu.in_vain_unknown) & ~host.in_vain;
        host.components_unknown |= cpu.components_unknown;
        merge_sorted(host.assumed, cpu.assumed);
        merge_sorted(host.documented_layout, cpu.documented_layout);
        merge_sorted(host.read_clear, cpu.read_clear);
    }

    // Capabilities come from the hypervisor's view; relaxed behaviours and obligations from the wider of
    // the two, since a kernel that does not know a bit hides bad news that the silicon has.
    void widen(TablePromises& view, const TablePromises& hardware) const {
        for (std::size_t w = 0; w < view.atoms.words.size(); ++w) {
            // Where the view is silent, the hardware's word counts: of relaxed behaviours as if there were no view, and
            // what the hardware has not no hypervisor gives (what they make themselves is unknown of hardware).
            const std::uint64_t inverted = plan_.words()[w].inverted;
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
            if (rulebook_[plan_.numbers()[n].field].rule != Rule::max || !other.known) continue;
            number = number.known ? meet(Rule::max, number, other) : other;
        }
        widen_scrubs(view, hardware);
        view.heeds = hardware.heeds;  // what a hypervisor goes by, not what it shows to guests
    }

    // Whether VERW scrubs is a matter of the silicon: a view that hides what would say that it does not (MDS_NO) makes
    // nothing better, and a bit that is there in vain is so in each view. Kernels know of some microcode that it
    // scrubs, and of some models that they are immune, so a view that says so itself counts.
    static void widen_scrubs(TablePromises& view, const TablePromises& hardware) {
        view.immune |= hardware.immune;
        const std::uint64_t in_vain = hardware.in_vain | (hardware.in_vain_unknown & view.in_vain);
        const std::uint64_t refuted = view.told & ~hardware.scrub_unknown;
        const std::uint64_t shown = hardware.atoms.scrubs | (view.atoms.scrubs & ~refuted);
        view.atoms.scrubs = (shown & ~in_vain) | view.immune;
        view.scrub_unknown &= hardware.scrub_unknown & ~view.atoms.scrubs;
    }

    // What the silicon is known to do: a relaxed behaviour counts whatever a view shows, and its absence
    // settles only what the dump cannot say; a promise that the silicon cannot keep is gone. What depends on a
    // microcode that is not known is not known either, whatever a view shows: a kernel that withholds it goes by
    // the same revision.
    void apply_model() {
        result_.modelled.resize(result_.unknown.size());
        result_.by_microcode.resize(result_.unknown.size());
        for (const CpuKind& kind : kinds_) {
            silicon_of(kind.leaf1_eax).for_each_fact([&](const SiliconFact& fact) { apply(fact); });
        }
        for (const CpuKind& kind : kinds_) {
            silicon_of(kind.leaf1_eax).for_each_open_fact([&](const SiliconFact& fact) { leave_open(fact); });
        }
    }

    void apply(const SiliconFact& fact) {
        const Field& field = rulebook_[fact.field];
        const auto word = plan_.find_word(fact.field, field.subleaf_first);
        if (!word) return;
        if (plan_.is_inverted(fact.field)) {
            widen_by(fact, field, *word);
        } else {
            take_away(field, *word);
        }
    }

    // The bits of a field, in their places, that are known to be clear on this silicon, whatever a view shows.
    static std::uint64_t settled_by(const Silicon& silicon, FieldIndex index, const Field& field) {
        const auto value = silicon.fact(index);
        return value ? field.mask() & ~(std::uint64_t{*value} << field.low) : 0;
    }

    void leave_open(const SiliconFact& fact) {
        const Field& field = rulebook_[fact.field];
        const auto word = plan_.find_word(fact.field, field.subleaf_first);
        if (!word || field.rule == Rule::guarded) return;  // what scrubs is no promise of the bit
        const std::uint64_t bits =
            plan_.is_inverted(fact.field) ? (std::uint64_t{fact.value} << field.low) & field.mask() : field.mask();
        const std::uint64_t open = bits & result_.atoms.words[*word];
        result_.atoms.words[*word] &= ~open;
        result_.unknown[*word] |= open;
        result_.by_microcode[*word] |= open;
    }

    // What guests do not meet is for the hypervisor's view to tell: kernels that know of it take the field from guests
    // as from themselves, and older ones do not. A newer kernel does not bring it back, so it is not withheld.
    void leave_to_kernels(TablePromises& view) {
        for (const CpuKind& kind : kinds_) {
            const Silicon& silicon = silicon_of(kind.leaf1_eax);
            silicon.for_each_spared_fact(
                [&](const SiliconFact& fact) { leave_to_kernels(view, fact, silicon.microcode.has_value()); });
        }
    }

    void leave_to_kernels(TablePromises& view, const SiliconFact& fact, bool knows_microcode) {
        const Field& field = rulebook_[fact.field];
        const auto word = plan_.find_word(fact.field, field.subleaf_first);
        if (!word) return;
        if (result_.has_hypervisor_view) {
            if (knows_microcode) result_.withheld[*word] &= ~field.mask();
            return;
        }
        if (!knows_microcode) return leave_open(fact);
        const std::uint64_t open = field.mask() & result_.atoms.words[*word];
        result_.atoms.words[*word] &= ~open;
        result_.unknown[*word] |= open;
        view.made[*word] |= open;
    }

    void widen_by(const SiliconFact& fact, const Field& field, std::size_t word) {
        const std::uint64_t bits = (std::uint64_t{fact.value} << field.low) & field.mask();
        std::uint64_t clear = field.mask() & ~bits & result_.unknown[word];
        for (const Silicon& other : result_.other_silicon) clear &= settled_by(other, fact.field, field);
        if (!result_.other_silicon.empty()) clear &= settled_by(result_.silicon, fact.field, field);
        const std::uint64_t widened = bits & (result_.atoms.words[word] | result_.unknown[word]);
        result_.atoms.words[word] = (result_.atoms.words[word] & ~bits) | clear;
        result_.unknown[word] &= ~(bits | clear);
        result_.modelled[word] |= widened | clear;
    }

    void take_away(const Field& field, std::size_t word) {
        result_.modelled[word] |= field.mask() & (result_.atoms.words[word] | result_.unknown[word]);
        result_.withheld[word] &= ~field.mask();
        result_.atoms.words[word] &= ~field.mask();
        result_.unknown[word] &= ~field.mask();
    }

    // KVM does not offer all of them, and what they say is so in the silicon: in all of it, or on no CPU.
    void find_easings() {
        if (offered_ != nullptr) result_.easings = ViewReader(plan_, *offered_, *result_.msrs).easings();
        if (cpus_.empty()) return;
        const auto easings_of = [&](const CpuidTable& cpu) {
            return ViewReader(plan_, cpu, host_.hardware->msrs).easings();
        };
        std::vector<FieldIndex> shown = easings_of(*cpus_.front());
        for (std::size_t i = 1; i < cpus_.size(); ++i) {
            const std::vector<FieldIndex> of_cpu = easings_of(*cpus_[i]);
            std::erase_if(shown, [&](FieldIndex index) {
                return std::find(of_cpu.begin(), of_cpu.end(), index) == of_cpu.end();
            });
        }
        merge_sorted(result_.easings, shown);
    }

    // What a setting hides is no silence of the dump: a finding of its own tells of it.
    bool is_hidden(const RegisterPlace& place) const {
        return !result_.hiding.empty() && host_.first_table().unknown_in(place.key, place.reg) == 0;
    }

    void find_silent_rows() {
        const auto note = [&](const RegisterPlace& place) {
            if (!place.is_msr && !is_hidden(place)) result_.silent_rows.push_back(place.key);
        };
        for (std::size_t w = 0; w < result_.unknown.size(); ++w) {
            if ((result_.unknown[w] & ~result_.by_microcode[w] & ~result_.made[w]) != 0) note(plan_.words()[w].place);
        }
        for (std::size_t n = 0; n < plan_.numbers().size(); ++n) {
            const NumberSlot& slot = plan_.numbers()[n];
            const RegisterPlace place = place_of(rulebook_[slot.field], slot.subleaf);
            const bool is_of_silicon = rulebook_[slot.field].hypervisor == no_hypervisor;
            if (is_of_silicon && !result_.atoms.numbers[n].known && result_.table->find(place.key) == nullptr) {
                note(place);
            }
        }
        merge_sorted(result_.silent_rows, {});
    }

    void find_strays() {
        for (const CpuidTable* cpu : dumped_) find_strays(*cpu);
        if (host_.hypervisor) find_strays(host_.hypervisor->cpuid);
        find_msr_strays();
        merge_sorted(result_.strays, {});
    }

    void find_strays(const CpuidTable& table) {
        for (const CpuidRow& row : table.rows) {
            const auto leaf = dump::known_leaf(rulebook_, table, row.key.leaf);
            if (!leaf) continue;
            for (const Register reg : all_registers) {
                if (row.value[reg] == 0) continue;
                const RegisterPlace place{false, row.key, reg};
                const std::uint64_t known = plan_.bits_with_field({false, {*leaf, row.key.subleaf}, reg});
                const std::uint64_t unclassified = row.value[reg] & ~known;
                if (unclassified != 0) result_.strays.push_back({place, unclassified});
            }
        }
    }

    // Of the MSRs that the rulebook knows; a dump may list hundreds of others.
    void find_msr_strays() {
        if (!result_.has_msrs) return;
        for (const MsrRow& row : **result_.msrs) {
            const RegisterPlace place{true, {row.index, 0}, Register::eax};
            const std::uint64_t known = plan_.bits_with_field(place);
            const std::uint64_t unclassified = row.value.value_or(0) & ~known;
            if (known != 0 && unclassified != 0) result_.strays.push_back({place, unclassified});
        }
    }

    const Plan& plan_;
    const Rulebook& rulebook_;
    const HostDump& host_;
    std::vector<CpuKind> kinds_;
    // Tables in the place of the dump's: what a setting hides is unknown there, and leaves of hypervisors are their
    // own.
    std::deque<CpuidTable> changed_;
    std::vector<const CpuidTable*> dumped_;  // of the hardware view: those that differ
    std::vector<const CpuidTable*> cpus_;    // the same, changed
    const CpuidTable* offered_ = nullptr;    // the hypervisor view's, changed
    HostPromises result_;
};

}  // namespace

Number meet(Rule rule, const Number& a, const Number& b) noexcept {
    if (!a.known || !b.known) return {};
    switch (rule) {
        case Rule::min: return {true, std::min(a.value, b.value)};
        case Rule::max: return {true, std::max(a.value, b.value)};
        default: return a.value == b.value ? a : Number{};
    }
}

void Atoms::meet(const Plan& plan, const Atoms& other) noexcept {
    for (std::size_t w = 0; w < words.size(); ++w) words[w] &= other.words[w];
    for (std::size_t n = 0; n < numbers.size(); ++n) {
        numbers[n] = merge::meet(plan.rulebook()[plan.numbers()[n].field].rule, numbers[n], other.numbers[n]);
    }
    scrubs &= other.scrubs;
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (components[c] != other.components[c]) components[c] = Component{};
    }
    for (const auto& [signature, revision] : other.microcode) {
        const auto [at, fresh] = microcode.emplace(signature, revision);
        if (!fresh) at->second = merge::meet(Rule::min, at->second, revision);
    }
}

// Sorted by signature, of which the stepping is the least: what is of one model is so from the first to the last.
bool Atoms::is_of_one_model() const noexcept {
    return microcode.empty() || model_bits(microcode.begin()->first) == model_bits(microcode.rbegin()->first);
}

std::vector<const CpuidTable*> different_tables(const HardwareView& view) {
    // Machines have two or three kinds of CPU: of one in which each differs, not each is compared with all.
    constexpr std::size_t most_compared = 8;
    std::vector<const CpuidTable*> tables;
    for (const LogicalCpu& cpu : view.cpus) {
        const auto from = tables.end() - static_cast<std::ptrdiff_t>(std::min(tables.size(), most_compared));
        const bool repeats = std::any_of(
            from, tables.end(), [&](const CpuidTable* table) { return dump::equal_but_ids(*table, cpu.cpuid); });
        if (!repeats) tables.push_back(&cpu.cpuid);
    }
    return tables;
}

HostPromises promises_of(const Plan& plan, const HostDump& host) { return HostReader(plan, host).read(); }

namespace {

template <typename Body>
void for_both(const Plan& plan, const RetpolineBits& group, const Body& body) {
    for (const FieldIndex index : {group.rsba, group.rrsba}) {
        const Field& field = plan.rulebook()[index];
        const auto word = plan.find_word(index, field.subleaf_first);
        body(*word, field.mask());
    }
}

}  // namespace

void join_bad_news(const Plan& plan, const RetpolineBits& group, HostPromises& host) {
    bool broken = false;
    bool unknown = false;
    bool modelled = false;
    bool silent = false;  // not only because a microcode that is not known decides
    for_both(plan, group, [&](std::size_t word, std::uint64_t bit) {
        const bool is_unknown = (host.unknown[word] & bit) != 0;
        unknown = unknown || is_unknown;
        silent = silent || (is_unknown && (host.by_microcode[word] & bit) == 0);
        broken = broken || (!is_unknown && (host.atoms.words[word] & bit) == 0);
        modelled = modelled || (host.modelled[word] & bit) != 0;
    });
    for_both(plan, group, [&](std::size_t word, std::uint64_t bit) {
        if (broken || unknown) host.atoms.words[word] &= ~bit;
        if (broken) host.unknown[word] &= ~bit;
        if (!broken && unknown) host.unknown[word] |= bit;
        if (!broken && unknown && !silent) host.by_microcode[word] |= bit;
        if (modelled) host.modelled[word] |= bit;
    });
}

}  // namespace poolcpuid::merge
