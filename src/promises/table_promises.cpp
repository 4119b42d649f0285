#include "promises/table_promises.hpp"

#include <algorithm>
#include <utility>

#include "promises/table_values.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::promises {

namespace {

constexpr Component nothing{};

class TableReader {
public:
    TableReader(const VendorRules& rules, const ViewReader& view, const Silicon& silicon, ViewKind kind,
                const TablePromises* hardware)
        : rules_(rules),
          rulebook_(rules.rulebook()),
          view_(view),
          table_(view.table()),
          silicon_(silicon),
          kind_(kind),
          hardware_(hardware) {}

    TablePromises read() {
        read_words();
        read_covered();
        read_implied();
        if (kind_ == ViewKind::hardware) {
            read_emulated();
            read_made();
        }
        read_numbers();
        read_lengths();
        read_guards();
        read_components();
        return std::move(result_);
    }

private:
    void read_words() {
        result_.atoms.words.reserve(rules_.words().size());
        result_.unknown.reserve(rules_.words().size());
        for (const PromiseWord& word : rules_.words()) {
            const Reading reading = view_.read(word.place);
            std::uint64_t unknown = reading.unknown & word.all();
            // A host without the MSR has not promised that RET has no other predictor.
            if (reading.absent && kind_ != ViewKind::policy) unknown |= group_bad_news(word.place);
            result_.atoms.words.push_back(word.promises_of(reading.value) & ~unknown);
            result_.unknown.push_back(unknown);
            result_.absent.push_back(reading.absent);
        }
        result_.made.resize(rules_.words().size());
        result_.given.resize(rules_.words().size());
    }

    // The bits of a register that are RSBA or RRSBA of a group.
    std::uint64_t group_bad_news(const RegisterPlace& place) const {
        std::uint64_t mask = 0;
        for (const RetpolineBits& group : rules_.retpoline()) {
            for (const FieldIndex index : {group.rsba, group.rrsba}) {
                const Field& field = rulebook_[index];
                if (place_of(field, field.subleaf_first) == place) mask |= field.mask();
            }
        }
        return mask;
    }

    void read_covered() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.covers.empty()) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                const auto word = rules_.find_word(index, subleaf);
                if (!word) continue;
                result_.atoms.words[*word] = with_covered(field, result_.atoms.words[*word]);
                result_.unknown[*word] &= ~result_.atoms.words[*word];
            }
        }
    }

    // What a table does not show, and another field says that it is there or that it does not matter. SYSCALL reads 0
    // on Intel when CPUID runs outside 64-bit mode; LM says that it is there.
    void read_implied() {
        result_.moot.resize(rules_.words().size());
        result_.implied.resize(rules_.words().size());
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.implied_by.field == no_field) continue;
            const Field& sign = rulebook_[field.implied_by.field];
            const auto word = rules_.find_word(index, field.subleaf_first);
            const auto value = view_.field(sign, sign.subleaf_first);
            if (!word || !rules_.applies(sign) || !value || (*value != 0) == field.implied_by.negated) continue;
            if (field.implied_by.negated) {
                read_moot(field, *word);
                continue;
            }
            if ((result_.atoms.words[*word] & field.mask()) != field.mask()) result_.read_clear.push_back(index);
            result_.atoms.words[*word] |= field.mask();
            result_.unknown[*word] &= ~field.mask();
        }
    }

    // KVM clears TAA_NO where RTM is off, and without RTM there is no TAA. An MSR that is not there is not offered
    // for that. What a policy does not show may be on its hosts: whether these keep the promise it does not say.
    void read_moot(const Field& field, std::size_t word) {
        result_.moot[word] |= field.mask();
        if (result_.absent[word]) return;
        const std::uint64_t implied = field.mask() & ~result_.unknown[word] & ~result_.atoms.words[word];
        if (kind_ == ViewKind::policy) {
            result_.unknown[word] |= implied;
            return;
        }
        result_.atoms.words[word] |= implied;
        result_.implied[word] |= implied;
    }

    // What the VMM emulates is there whatever the hardware (or its firmware) shows.
    void read_emulated() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (!field.emulated) continue;
            const auto word = rules_.find_word(index, field.subleaf_first);
            if (!word) continue;
            result_.atoms.words[*word] |= field.mask();
            result_.unknown[*word] &= ~field.mask();
        }
    }

    // What hypervisors make themselves is not lost for the hardware's not having it: their own view would tell.
    void read_made() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.made.by == Makers::none) continue;
            const auto word = rules_.find_word(index, field.subleaf_first);
            const auto made = is_made(field.made);
            if (!word || !made.value_or(true)) continue;
            std::uint64_t bits = field.mask() & ~result_.atoms.words[*word];
            if (!made) bits &= ~result_.unknown[*word];  // what the dump does not show is unknown for that
            result_.unknown[*word] |= bits;
            result_.made[*word] |= bits;
            if (made && is_made_by_all(field.made)) result_.given[*word] |= bits;
        }
    }

    std::optional<bool> is_made(const Made& made) const {
        if ((made.vendors & rules_.vendor_mask()) == 0) return false;
        if (made.where.empty() && made.model.empty()) return true;
        return is_either(made.where, made.model);
    }

    // Of a host on which it is made. What is made for models that are immune is made of the silicon, which no virtual
    // CPU shows.
    bool is_made_by_all(const Made& made) const {
        const bool is_made_up =
            silicon_.is_virtual() && !made.model.empty() && !is_either(made.where, {}).value_or(false);
        return made.by == Makers::all && !is_made_up && !is_either(made.unsure, {}).value_or(true);
    }

    Number read_number(const Field& field, std::uint32_t subleaf) const {
        const auto value = view_.field(field, subleaf);
        if (field.zero_means_field != no_field) {
            // A guest's addresses are no wider than the CPU's.
            const Number other = read_number(rulebook_[field.zero_means_field], subleaf);
            return value.value_or(0) == 0 ? other : meet(Rule::min, {true, *value}, other);
        }
        if (field.zero_has_meaning && value.value_or(0) == 0) return {true, field.zero_means};
        // Of a hypervisor's limit only its own view can say that there is none.
        const bool is_of_hypervisor = field.hypervisor != no_hypervisor && field.rule == Rule::min;
        if (kind_ == ViewKind::hardware && is_of_hypervisor && value.value_or(0) == 0) return {};
        return value ? Number{true, *value} : Number{};
    }

    // The CPU may go further than hypervisors do, and how far these go only their own view tells. One that has 0 there
    // need not know of the number: KVM says it since 6.10 (K commit b628cb523c65) and mapped as little before.
    bool is_beyond_assured(const Field& field, std::uint32_t subleaf, const Number& number) const {
        if (field.assured == 0 || !number.known || number.value <= field.assured) return false;
        const bool is_silent = view_.field(field, subleaf).value_or(0) == 0;
        return kind_ == ViewKind::hardware || (kind_ == ViewKind::hypervisor && is_silent);
    }

    // A policy's number is what its guests were promised, whatever this rulebook describes.
    void read_numbers() {
        result_.atoms.numbers.reserve(rules_.numbers().size());
        for (const NumberSlot& slot : rules_.numbers()) {
            const Field& field = rulebook_[slot.field];
            Number number = read_number(field, slot.subleaf);
            const bool is_beyond = is_beyond_assured(field, slot.subleaf, number);
            if (is_beyond) number.value = field.assured;
            const bool is_undescribed =
                field.known_to != 0 && number.known && number.value > field.known_to && kind_ != ViewKind::policy;
            if (is_undescribed) {
                result_.undescribed.push_back({result_.atoms.numbers.size(), number.value});
                number.value = field.known_to;
            }
            result_.atoms.numbers.push_back(number);
            if (is_beyond || (field.zero_has_meaning && !view_.field(field, slot.subleaf))) {
                result_.assumed.push_back(slot.field);
            }
        }
    }

    // Bits of a vector beyond its stated length announce an unavailable thing (SDM leaf 0AH, EBX).
    void read_lengths() {
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (field.length_from == no_field) continue;
            const auto word = rules_.find_word(index, field.subleaf_first);
            const auto length = view_.field(rulebook_[field.length_from], field.subleaf_first);
            if (!word || !length) continue;
            for (unsigned bit = field.low; bit <= field.high; ++bit) {
                if (bit - field.low >= *length) result_.atoms.words[*word] &= ~(std::uint64_t{1} << bit);
            }
        }
    }

    // What the silicon does badly is no promise of it, and it is not known to be gone either. That VERW scrubs with its
    // microcode kernels know where CPUID does not show it.
    std::optional<bool> holds(const GuardTerm& term) const {
        const Field& field = rulebook_[term.field];
        auto value = view_.field(field, field.subleaf_first);
        if (!term.negated && field.rule == Rule::intersect && silicon_.fact(term.field)) value = 0;
        if (field.rule == Rule::guarded && silicon_.fact(term.field)) value = 1;
        if (value == std::uint64_t{0} && term.negated && hardware_has(term.field)) return false;
        if (!value || (*value == 0 && may_be_hidden(term.field))) return std::nullopt;
        return (*value != 0) != term.negated;
    }

    // What a hypervisor hides is there all the same: a transaction begins on a CPU that has RTM, whatever guests are
    // shown.
    bool hardware_has(FieldIndex index) const {
        const Field& field = rulebook_[index];
        const auto word = rules_.find_word(index, field.subleaf_first);
        if (hardware_ == nullptr || !word) return false;
        const std::uint64_t value = rules_.words()[*word].value_of(hardware_->atoms.words[*word]);
        return (value & ~hardware_->unknown[*word] & field.mask()) != 0;
    }

    // Hypervisors show guests no host controls, KVM clears TAA_NO where RTM is off, and where a view has no such MSR it
    // tells guests nothing of what the CPU is immune to: the CPU may have them. One that shows 0 where the model is
    // immune hides it.
    bool may_be_hidden(FieldIndex index) const {
        if (kind_ != ViewKind::hypervisor) return false;
        const Field& field = rulebook_[index];
        const auto word = rules_.find_word(index, field.subleaf_first);
        if (field.rule == Rule::hide || (word && (result_.moot[*word] & field.mask()) != 0)) return true;
        if (!word) return false;
        if (result_.absent[*word]) return !silicon_.is_affected(field.made.model);
        return !silicon_.is_virtual() && rulebook::is_immune_to_all(silicon_.model, field.made.model);
    }

    // Whether the model has all tags, or every term of one list holds: for certain, for certain not, or nothing.
    std::optional<bool> is_either(List<List<GuardTerm>> lists, List<Text> tags) const {
        if (rulebook::is_immune_to_all(silicon_.model, tags)) return true;
        bool all_refuted = true;
        for (const List<GuardTerm> terms : lists) {
            const auto term_is = [&](bool wanted) {
                return [this, wanted](const GuardTerm& term) { return holds(term) == std::optional<bool>(wanted); };
            };
            if (std::all_of(terms.begin(), terms.end(), term_is(true))) return true;
            if (std::none_of(terms.begin(), terms.end(), term_is(false))) all_refuted = false;
        }
        if (all_refuted) return false;
        return std::nullopt;
    }

    static std::optional<bool> either(std::optional<bool> one, std::optional<bool> other) {
        if (one.value_or(false) || other.value_or(false)) return true;
        return one && other ? std::optional(false) : std::nullopt;
    }

    // Whether the silicon needs no VERW. A virtual machine's family and model are what its hypervisor chose: an
    // immunity of theirs is none of the silicon below, and where the bits do not show it nobody knows.
    std::optional<bool> is_immune(const Guard& guard) const {
        if (!silicon_.is_virtual()) return is_either(guard.immune, guard.model);
        const auto by_bits = is_either(guard.immune, {});
        const bool is_claimed = rulebook::is_immune_to_all(silicon_.model, guard.model);
        return is_claimed && !by_bits.value_or(false) ? std::nullopt : by_bits;
    }

    void read_guards() {
        for (std::size_t i = 0; i < rules_.guards().size(); ++i) {
            const GuardSlot& slot = rules_.guards()[i];
            const Guard& guard = rulebook_[slot.field].guard;
            const std::uint64_t bit = std::uint64_t{1} << i;
            const auto needs_none = is_immune(guard);
            if (is_surely_immune(guard, needs_none)) result_.immune |= bit;
            if (is_either(guard.heeds, {}).value_or(false)) result_.heeds |= bit;
            const auto in_vain = is_either(guard.in_vain, {});
            if (!in_vain) result_.in_vain_unknown |= bit;
            if (in_vain.value_or(false)) result_.in_vain |= bit;
            read_scrub(slot, bit, needs_none);
        }
        result_.scrub_unknown &= ~result_.atoms.scrubs;
    }

    // Of a policy only what it shows counts, since it may hide what its hosts have.
    bool is_surely_immune(const Guard& guard, std::optional<bool> needs_none) const {
        if (kind_ != ViewKind::policy) return needs_none.value_or(false);
        const auto is_shown = [this](const GuardTerm& term) { return !term.negated && holds(term).value_or(false); };
        return any_list_holds(guard.immune, is_shown);
    }

    // An immune host needs no VERW, whether or not its dump shows the bit, some hosts say by other bits that it scrubs,
    // and on some it does not though the bit is there.
    void read_scrub(const GuardSlot& slot, std::uint64_t bit, std::optional<bool> needs_none) {
        const Field& field = rulebook_[slot.field];
        const auto shown = view_.field(field, slot.subleaf);
        const bool in_vain = (result_.in_vain & bit) != 0;
        if ((shown.value_or(0) != 0 && !in_vain) || silicon_.fact(slot.field)) {
            result_.atoms.scrubs |= bit;
            return;
        }
        const auto told = is_either(field.guard.told_by, {});
        if (told.value_or(false) && !needs_none.value_or(false)) result_.told |= bit;
        const auto needs_no_word = either(needs_none, told);
        if (needs_no_word.value_or(false)) result_.atoms.scrubs |= bit;
        // A hypervisor that shows an immune model does not announce the bit with it, whatever its silicon needs.
        if (needs_no_word.value_or(false) || rulebook::is_immune_to_all(silicon_.model, field.guard.model)) {
            settle_clear(field, slot.subleaf);
        }
        if (!shown || !needs_no_word || silicon_.depends_on_microcode(slot.field)) result_.scrub_unknown |= bit;
    }

    void settle_clear(const Field& field, std::uint32_t subleaf) {
        const auto word = rules_.find_word(place_of(field, subleaf));
        result_.atoms.words[*word] |= result_.unknown[*word] & field.mask();
        result_.unknown[*word] &= ~field.mask();
    }

    // Whether the CPU supports a component: by XCR0 or IA32_XSS; where the dump cannot say, a feature
    // that uses the component says it, since the CPU enumerates both or neither (SDM vol. 1, 13.2).
    bool supports(const XsaveComponent& component, std::uint32_t leaf) {
        const bool supervisor = component.state == XsaveState::supervisor;
        const LeafKey key{leaf, supervisor ? 1U : 0U};
        const Register low = supervisor ? Register::ecx : Register::eax;
        const auto bit = std::uint32_t{1} << component.bit % 32U;
        const auto value = bits_of_register(table_, key, component.bit < 32 ? low : Register::edx, bit);
        if (value) return *value != 0;
        const bool has_feature = view_.shows_any(component.features);
        if (!has_feature) result_.components_unknown |= std::uint64_t{1} << component.bit;
        return has_feature;
    }

    Component documented(const XsaveComponent& component) {
        for (const XsaveLayout& layout : component.layouts) {
            if (((layout.vendors >> rules_.vendor()) & 1U) == 0) continue;
            result_.documented_layout.push_back(component.bit);
            return {true, layout.size, layout.offset, layout.align64};
        }
        return nothing;
    }

    // The component's own row: size in EAX, offset in EBX, ECX[0] supervisor state, ECX[1] aligned to
    // 64 bytes in the compacted format (SDM vol. 1, 13.2). A size of 0 is not a fact, nor is a place beyond 4 GiB: but
    // of a policy, whose guests see what it says.
    Component layout_of(const XsaveComponent& component, std::uint32_t leaf) {
        const Registers* row = table_.find({leaf, component.bit});
        const bool supervisor = component.state == XsaveState::supervisor;
        if (kind_ == ViewKind::policy && row == nullptr) return {true, 0, 0, false};
        if (kind_ == ViewKind::policy) return {true, row->eax, supervisor ? 0 : row->ebx, (row->ecx & 2U) != 0};
        if (row == nullptr || row->eax == 0) return documented(component);
        if (!supervisor && row->eax > ~row->ebx) return documented(component);
        if (((row->ecx & 1U) != 0) != supervisor) return nothing;
        return {true, row->eax, supervisor ? 0 : row->ebx, (row->ecx & 2U) != 0};
    }

    void read_components() {
        result_.atoms.components.resize(component_count);
        if (!rules_.xsave_leaf()) return;
        for (const XsaveComponent& component : rulebook_.xsave) {
            if (!supports(component, *rules_.xsave_leaf())) continue;
            result_.atoms.components[component.bit] = component.state == XsaveState::legacy
                                                          ? Component{true, 0, 0, false}
                                                          : layout_of(component, *rules_.xsave_leaf());
        }
    }

    const VendorRules& rules_;
    const Rulebook& rulebook_;
    const ViewReader& view_;
    const CpuidTable& table_;
    const Silicon& silicon_;
    ViewKind kind_;
    const TablePromises* hardware_;
    TablePromises result_;
};

}  // namespace

TablePromises read_view(const VendorRules& rules, const ViewReader& view, const Silicon& silicon, ViewKind kind,
                        const TablePromises* hardware) {
    return TableReader(rules, view, silicon, kind, hardware).read();
}

}  // namespace poolcpuid::promises
