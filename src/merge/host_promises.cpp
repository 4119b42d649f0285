#include "merge/host_promises.hpp"

#include <algorithm>
#include <utility>

#include "merge/table_promises.hpp"
#include "merge/table_values.hpp"

namespace poolcpuid::merge {

namespace {

template <typename T>
void merge_sorted(std::vector<T>& into, const std::vector<T>& from) {
    into.insert(into.end(), from.begin(), from.end());
    std::sort(into.begin(), into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end());
}

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
            hypervisor = read_table(plan_, host_.hypervisor->cpuid, msrs, result_.model, false);
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
        TablePromises host = read_table(plan_, view.cpus.front().cpuid, view.msrs, result_.model, true);
        const Atoms first = host.atoms;
        std::vector<std::uint32_t> differs(first.words.size());
        for (std::size_t i = 1; i < view.cpus.size(); ++i) {
            const TablePromises cpu = read_table(plan_, view.cpus[i].cpuid, view.msrs, result_.model, true);
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
        // One CPU that is known not to keep a promise settles it, whatever the dump of another leaves open.
        for (std::size_t w = 0; w < host.unknown.size(); ++w) {
            const std::uint32_t broken =
                (~host.unknown[w] & ~host.atoms.words[w]) | (~cpu.unknown[w] & ~cpu.atoms.words[w]);
            host.unknown[w] = (host.unknown[w] | cpu.unknown[w]) & ~broken;
        }
        host.atoms.meet(plan_, cpu.atoms);
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
            // Where one view is silent, the other one's word counts, as if the silent one were not there.
            const std::uint32_t inverted = plan_.words()[w].inverted;
            const std::uint32_t bad_news = inverted & ~hardware.unknown[w] & ~hardware.atoms.words[w];
            const std::uint32_t settled = inverted & view.unknown[w] & ~hardware.unknown[w];
            view.atoms.words[w] |= settled & hardware.atoms.words[w];
            view.atoms.words[w] &= ~bad_news;
            view.unknown[w] &= ~(settled | bad_news);
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
        if (components[c] != other.components[c]) components[c] = Component{};
    }
}

HostPromises promises_of(const Plan& plan, const HostDump& host) { return HostReader(plan, host).read(); }

}  // namespace poolcpuid::merge
