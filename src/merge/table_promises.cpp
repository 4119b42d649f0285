#include "merge/table_promises.hpp"

#include <algorithm>
#include <utility>

#include "merge/table_values.hpp"

namespace poolcpuid::merge {

namespace {

constexpr Component nothing{};

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

}  // namespace

TablePromises read_table(const Plan& plan, const CpuidTable& table, const std::optional<std::vector<MsrRow>>& msrs,
                         const Model* model, bool is_hardware) {
    return TableReader(plan, table, msrs, model, is_hardware).read();
}

}  // namespace poolcpuid::merge
