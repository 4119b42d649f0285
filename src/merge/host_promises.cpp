#include "merge/host_promises.hpp"

#include <algorithm>
#include <utility>

#include "merge/table_values.hpp"

namespace poolcpuid::merge {

namespace {

constexpr Component nothing{};

// What one CPUID table (a logical CPU, or a hypervisor's view) promises.
struct TablePromises {
    Atoms atoms;
    std::vector<std::uint32_t> unknown;
    std::uint64_t scrub_unknown = 0;
    std::vector<FieldIndex> assumed;
    std::vector<std::uint8_t> documented_layout;
    bool syscall_artefact = false;
};

template <typename T>
void merge_sorted(std::vector<T>& into, const std::vector<T>& from) {
    into.insert(into.end(), from.begin(), from.end());
    std::sort(into.begin(), into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end());
}

class TableReader {
public:
    TableReader(const Plan& plan, const CpuidTable& table, const std::optional<std::vector<MsrRow>>& msrs,
                const Model* model, bool is_hardware)
        : plan_(plan),
          rulebook_(plan.rulebook()),
          table_(table),
          msrs_(msrs),
          model_(model),
          is_hardware_(is_hardware) {}

    TablePromises read() {
        read_words();
        read_implied();
        if (is_hardware_) read_emulated();
        read_numbers();
        read_lengths();
        read_guards();
        read_components();
        return std::move(result_);
    }

private:
    void read_words() {
        result_.atoms.words.reserve(plan_.words().size());
        result_.unknown.reserve(plan_.words().size());
        for (const PromiseWord& word : plan_.words()) {
            const auto value = register_value(table_, word.key, word.reg);
            result_.atoms.words.push_back(value ? word.promises_of(*value) : 0);
            result_.unknown.push_back(value ? 0 : word.all());
        }
    }

    // SYSCALL reads 0 on Intel when CPUID runs outside 64-bit mode; LM says that it is there.
    void read_implied() {
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (field.implied_by == no_field) continue;
            const Field& sign = rulebook_[field.implied_by];
            const auto word = plan_.find_word({field.leaf, field.subleaf_first}, field.reg);
            const bool signalled = field_value(table_, sign, sign.subleaf_first).value_or(0) != 0;
            if (!word || !signalled) continue;
            if ((result_.atoms.words[*word] & field.mask()) != field.mask()) result_.syscall_artefact = true;
            result_.atoms.words[*word] |= field.mask();
            result_.unknown[*word] &= ~field.mask();
        }
    }

    // What the VMM emulates is there whatever the hardware (or its firmware) shows.
    void read_emulated() {
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (!field.emulated) continue;
            const auto word = plan_.find_word({field.leaf, field.subleaf_first}, field.reg);
            if (!word) continue;
            result_.atoms.words[*word] |= field.mask();
            result_.unknown[*word] &= ~field.mask();
        }
    }

    Number read_number(const Field& field, std::uint32_t subleaf) const {
        const auto value = field_value(table_, field, subleaf);
        if (field.zero_has_meaning && value.value_or(0) == 0) {
            if (field.zero_means_field == no_field) return {true, field.zero_means};
            return read_number(rulebook_[field.zero_means_field], subleaf);
        }
        return value ? Number{true, *value} : Number{};
    }

    void read_numbers() {
        result_.atoms.numbers.reserve(plan_.numbers().size());
        for (const NumberSlot& slot : plan_.numbers()) {
            const Field& field = rulebook_[slot.field];
            result_.atoms.numbers.push_back(read_number(field, slot.key.subleaf));
            if (field.zero_has_meaning && table_.find(slot.key) == nullptr && table_.is_unknown(slot.key)) {
                result_.assumed.push_back(slot.field);
            }
        }
    }

    // Bits of a vector beyond its stated length announce an unavailable thing (SDM leaf 0AH, EBX).
    void read_lengths() {
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (field.length_from == no_field) continue;
            const auto word = plan_.find_word({field.leaf, field.subleaf_first}, field.reg);
            const auto length = field_value(table_, rulebook_[field.length_from], field.subleaf_first);
            if (!word || !length) continue;
            for (unsigned bit = field.low; bit <= field.high; ++bit) {
                if (bit - field.low >= *length) result_.atoms.words[*word] &= ~(1U << bit);
            }
        }
    }

    std::optional<bool> holds(const GuardTerm& term) const {
        const Field& field = rulebook_[term.field];
        std::optional<std::uint64_t> value;
        if (field.is_msr) {
            value = msr_value(msrs_, field);
        } else if (const auto bits = field_value(table_, field, field.subleaf_first)) {
            value = *bits;
        }
        if (!value) return std::nullopt;
        return (*value != 0) != term.negated;
    }

    // Immune for certain, affected for certain, or nothing.
    std::optional<bool> immune(const Guard& guard) const {
        const auto has = [&](std::string_view tag) {
            return model_ != nullptr &&
                   std::find(model_->immune.begin(), model_->immune.end(), tag) != model_->immune.end();
        };
        if (!guard.model.empty() && std::all_of(guard.model.begin(), guard.model.end(), has)) return true;
        bool all_refuted = true;
        for (const std::span<const GuardTerm> terms : guard.immune) {
            const auto term_is = [&](bool wanted) {
                return [this, wanted](const GuardTerm& term) { return holds(term) == std::optional<bool>(wanted); };
            };
            if (std::all_of(terms.begin(), terms.end(), term_is(true))) return true;
            if (std::none_of(terms.begin(), terms.end(), term_is(false))) all_refuted = false;
        }
        if (all_refuted) return false;
        return std::nullopt;
    }

    void read_guards() {
        for (std::size_t i = 0; i < plan_.guards().size(); ++i) {
            const GuardSlot& slot = plan_.guards()[i];
            const Field& field = rulebook_[slot.field];
            const std::uint64_t bit = std::uint64_t{1} << i;
            const auto shown = field_value(table_, field, slot.key.subleaf);
            if (shown.value_or(0) != 0) {
                result_.atoms.scrubs |= bit;
                continue;
            }
            const auto is_immune = immune(field.guard);
            if (is_immune.value_or(false)) result_.atoms.scrubs |= bit;
            if (!shown || !is_immune) result_.scrub_unknown |= bit;
        }
        result_.scrub_unknown &= ~result_.atoms.scrubs;
    }

    bool any_feature(const XsaveComponent& component) const {
        return std::any_of(component.features.begin(), component.features.end(), [&](FieldIndex index) {
            const Field& field = rulebook_[index];
            return plan_.applies(field) && field_value(table_, field, field.subleaf_first).value_or(0) != 0;
        });
    }

    // Whether the CPU supports a component: by XCR0 or IA32_XSS; where the dump cannot say, a feature
    // that uses the component says it, since the CPU enumerates both or neither (SDM vol. 1, 13.2).
    bool supports(const XsaveComponent& component, std::uint32_t leaf) const {
        const bool supervisor = component.state == XsaveState::supervisor;
        const LeafKey key{leaf, supervisor ? 1U : 0U};
        const auto low = register_value(table_, key, supervisor ? Register::ecx : Register::eax);
        const auto high = register_value(table_, key, Register::edx);
        if (!low || !high) return any_feature(component);
        const std::uint64_t mask = (std::uint64_t{*high} << 32) | *low;
        return ((mask >> component.bit) & 1U) != 0;
    }

    Component documented(const XsaveComponent& component) {
        for (const XsaveLayout& layout : component.layouts) {
            if (((layout.vendors >> plan_.vendor()) & 1U) == 0) continue;
            result_.documented_layout.push_back(component.bit);
            return {true, layout.size, layout.offset, layout.align64};
        }
        return nothing;
    }

    // The component's own row: size in EAX, offset in EBX, ECX[0] supervisor state, ECX[1] aligned to
    // 64 bytes in the compacted format (SDM vol. 1, 13.2). A size of 0 is not a fact.
    Component layout_of(const XsaveComponent& component, std::uint32_t leaf) {
        const Registers* row = table_.find({leaf, component.bit});
        if (row == nullptr || row->eax == 0) return documented(component);
        const bool supervisor = component.state == XsaveState::supervisor;
        if (((row->ecx & 1U) != 0) != supervisor) return nothing;
        return {true, row->eax, supervisor ? 0 : row->ebx, (row->ecx & 2U) != 0};
    }

    void read_components() {
        result_.atoms.components.resize(component_count);
        if (!plan_.xsave_leaf()) return;
        for (const XsaveComponent& component : rulebook_.xsave) {
            if (!supports(component, *plan_.xsave_leaf())) continue;
            result_.atoms.components[component.bit] = component.state == XsaveState::legacy
                                                          ? Component{true, 0, 0, false}
                                                          : layout_of(component, *plan_.xsave_leaf());
        }
    }

    const Plan& plan_;
    const Rulebook& rulebook_;
    const CpuidTable& table_;
    const std::optional<std::vector<MsrRow>>& msrs_;
    const Model* model_;
    bool is_hardware_;
    TablePromises result_;
};

// The fields of a word whose bits are in mask.
void collect_fields(const Plan& plan, const PromiseWord& word, std::uint32_t mask, std::vector<FieldIndex>& out) {
    for (const FieldIndex index : plan.fields()) {
        const Field& field = plan.rulebook()[index];
        if (field.leaf == word.key.leaf && field.reg == word.reg && (field.mask() & mask) != 0 &&
            promises_by_bits(field.rule) && field.subleaf_first <= word.key.subleaf &&
            word.key.subleaf <= field.subleaf_last) {
            out.push_back(index);
        }
    }
}

class HostReader {
public:
    HostReader(const Plan& plan, const HostDump& host) : plan_(plan), rulebook_(plan.rulebook()), host_(host) {}

    HostPromises read() {
        describe();
        std::optional<TablePromises> hardware;
        std::optional<TablePromises> hypervisor;
        if (host_.hardware) hardware = read_cpus(*host_.hardware);
        if (host_.hypervisor) {
            const auto& msrs = host_.hypervisor->msrs ? host_.hypervisor->msrs : hardware_msrs();
            hypervisor = TableReader(plan_, host_.hypervisor->cpuid, msrs, result_.model, false).read();
        }
        TablePromises host = hypervisor ? std::move(*hypervisor) : std::move(*hardware);
        if (hypervisor && hardware) widen(host, *hardware);
        result_.atoms = std::move(host.atoms);
        result_.unknown = std::move(host.unknown);
        result_.scrub_unknown = host.scrub_unknown;
        result_.assumed = std::move(host.assumed);
        result_.documented_layout = std::move(host.documented_layout);
        result_.syscall_artefact = host.syscall_artefact;
        apply_model();
        find_silent_rows();
        find_strays();
        return std::move(result_);
    }

private:
    std::optional<std::vector<MsrRow>> hardware_msrs() const {
        return host_.hardware ? host_.hardware->msrs : std::nullopt;
    }

    void describe() {
        result_.table = std::make_shared<const CpuidTable>(host_.first_table());
        result_.has_hardware_view = host_.hardware.has_value();
        result_.has_hypervisor_view = host_.hypervisor.has_value();
        result_.has_msrs = (host_.hardware && host_.hardware->msrs) || (host_.hypervisor && host_.hypervisor->msrs);
        if (const auto eax = register_value(*result_.table, signature_key, Register::eax)) {
            result_.signature = signature_of(*eax);
            result_.model = rulebook_.model_of(plan_.vendor(), result_.signature);
        }
    }

    // The meet over the logical CPUs: a vCPU may run on any of them.
    TablePromises read_cpus(const HardwareView& view) {
        TablePromises host = TableReader(plan_, view.cpus.front().cpuid, view.msrs, result_.model, true).read();
        const Atoms first = host.atoms;
        std::vector<std::uint32_t> differs(first.words.size());
        for (std::size_t i = 1; i < view.cpus.size(); ++i) {
            const TablePromises cpu = TableReader(plan_, view.cpus[i].cpuid, view.msrs, result_.model, true).read();
            for (std::size_t w = 0; w < differs.size(); ++w) differs[w] |= cpu.atoms.words[w] ^ first.words[w];
            for (std::size_t n = 0; n < first.numbers.size(); ++n) {
                if (cpu.atoms.numbers[n] != first.numbers[n]) result_.uneven.push_back(plan_.numbers()[n].field);
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
        host.atoms.meet(plan_, cpu.atoms);
        for (std::size_t w = 0; w < host.unknown.size(); ++w) host.unknown[w] |= cpu.unknown[w];
        host.scrub_unknown |= cpu.scrub_unknown;
        host.scrub_unknown &= ~host.atoms.scrubs;
        merge_sorted(host.assumed, cpu.assumed);
        merge_sorted(host.documented_layout, cpu.documented_layout);
        host.syscall_artefact = host.syscall_artefact || cpu.syscall_artefact;
    }

    // Capabilities come from the hypervisor's view; relaxed behaviours and obligations from the wider of
    // the two, since a kernel that does not know a bit hides bad news that the silicon has.
    void widen(TablePromises& view, const TablePromises& hardware) const {
        for (std::size_t w = 0; w < view.atoms.words.size(); ++w) {
            const std::uint32_t inverted = plan_.words()[w].inverted;
            const std::uint32_t bad_news = inverted & ~hardware.unknown[w] & ~hardware.atoms.words[w];
            const std::uint32_t settled = inverted & view.unknown[w] & ~hardware.unknown[w];
            view.atoms.words[w] |= settled & hardware.atoms.words[w];
            view.atoms.words[w] &= ~bad_news;
            view.unknown[w] &= ~settled;
        }
        for (std::size_t n = 0; n < view.atoms.numbers.size(); ++n) {
            const Number& other = hardware.atoms.numbers[n];
            Number& number = view.atoms.numbers[n];
            if (rulebook_[plan_.numbers()[n].field].rule != Rule::max || !other.known) continue;
            number = number.known ? meet(Rule::max, number, other) : other;
        }
        view.atoms.scrubs |= hardware.atoms.scrubs;
        view.scrub_unknown &= ~view.atoms.scrubs;
    }

    // What the silicon is known to do: a relaxed behaviour counts whatever a view shows; its absence
    // settles only what the dump cannot say.
    void apply_model() {
        result_.modelled.resize(result_.unknown.size());
        if (result_.model == nullptr) return;
        for (const SiliconFact& fact : result_.model->silicon) {
            const Field& field = rulebook_[fact.field];
            const auto word = plan_.find_word({field.leaf, field.subleaf_first}, field.reg);
            if (field.is_msr || field.rule != Rule::union_ || !word) continue;
            const std::uint32_t bits = (fact.value << field.low) & field.mask();
            const std::uint32_t clear = field.mask() & ~bits & result_.unknown[*word];
            const std::uint32_t widened = bits & (result_.atoms.words[*word] | result_.unknown[*word]);
            result_.atoms.words[*word] = (result_.atoms.words[*word] & ~bits) | clear;
            result_.unknown[*word] &= ~(bits | clear);
            result_.modelled[*word] |= widened | clear;
        }
    }

    void find_silent_rows() {
        for (std::size_t w = 0; w < result_.unknown.size(); ++w) {
            if (result_.unknown[w] != 0) result_.silent_rows.push_back(plan_.words()[w].key);
        }
        for (std::size_t n = 0; n < plan_.numbers().size(); ++n) {
            if (!result_.atoms.numbers[n].known && result_.table->find(plan_.numbers()[n].key) == nullptr) {
                result_.silent_rows.push_back(plan_.numbers()[n].key);
            }
        }
        merge_sorted(result_.silent_rows, {});
    }

    void find_strays() {
        if (host_.hardware) find_strays(host_.hardware->cpus.front().cpuid);
        if (host_.hypervisor) find_strays(host_.hypervisor->cpuid);
        merge_sorted(result_.strays, {});
    }

    void find_strays(const CpuidTable& table) {
        for (const CpuidRow& row : table.rows) {
            for (const Register reg : {Register::eax, Register::ebx, Register::ecx, Register::edx}) {
                if (row.value[reg] == 0) continue;
                const Coverage coverage = plan_.coverage(row.key, reg);
                const std::uint32_t reserved = row.value[reg] & coverage.reserved;
                const std::uint32_t unclassified = row.value[reg] & ~coverage.reserved & ~coverage.fields;
                if (reserved != 0) result_.strays.push_back({row.key, reg, reserved, true});
                if (unclassified != 0) result_.strays.push_back({row.key, reg, unclassified, false});
            }
        }
    }

    const Plan& plan_;
    const Rulebook& rulebook_;
    const HostDump& host_;
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
        if (components[c] != other.components[c]) components[c] = nothing;
    }
}

HostPromises promises_of(const Plan& plan, const HostDump& host) { return HostReader(plan, host).read(); }

}  // namespace poolcpuid::merge
