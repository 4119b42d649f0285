#include "promises/host_promises.hpp"

#include <optional>
#include <utility>

#include "dump/virtual_machine.hpp"
#include "policy/cpu_kinds.hpp"
#include "promises/host_remarks.hpp"
#include "promises/host_tables.hpp"
#include "promises/join_views.hpp"
#include "promises/model_facts.hpp"
#include "promises/retpoline_group.hpp"
#include "promises/sorted_lists.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::promises {

namespace {

// The fields of a word whose bits are in mask.
void collect_fields(const VendorRules& rules, const PromiseWord& word, std::uint64_t mask,
                    std::vector<FieldIndex>& out) {
    const LeafKey key = word.place.key;
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rules.rulebook()[index];
        if (place_of(field, key.subleaf) == word.place && (field.mask() & mask) != 0 && promises_by_bits(field.rule) &&
            field.is_in_subleaf(key.subleaf)) {
            out.push_back(index);
        }
    }
}

class HostReader {
public:
    HostReader(const VendorRules& rules, const HostDump& host)
        : rules_(rules),
          rulebook_(rules.rulebook()),
          host_(host),
          kinds_(cpu_kinds(rulebook_, host)),
          // What is read of one CPU is read of the one that stands for the host.
          tables_(rulebook_, host, kinds_.front().table) {}

    HostPromises read() {
        describe();
        std::optional<TablePromises> hardware;
        if (host_.hardware) hardware = read_cpus();
        TablePromises& host = result_;
        host = host_.hypervisor ? read_hypervisor(hardware ? &*hardware : nullptr) : *hardware;
        read_offered();
        result_.withheld.resize(result_.unknown.size());
        result_.foreign.resize(result_.unknown.size());
        if (host_.hypervisor && hardware) {
            result_.foreign = leave_foreign(rules_, host, *hardware);
            // What only some CPUs have is told by another finding.
            for (std::size_t w = 0; w < differing_.words.size(); ++w) result_.foreign[w] &= ~differing_.words[w];
            find_withheld(*hardware);
            find_unpermitted(*hardware);
            widen(rules_, host, *hardware);
            meet_differing(rules_, host, *hardware, differing_);
        }
        read_microcode();
        apply_model(rules_, result_);
        for (const RetpolineBits& group : rules_.retpoline()) join_bad_news(rules_, group, result_);
        leave_to_kernels(rules_, result_);
        forget_settled();
        add_remarks(rules_, host_, tables_, result_);
        return std::move(result_);
    }

private:
    // An MSR that is not there shows no bad news to guests, though it promises nothing.
    void read_offered() {
        result_.offered = result_.atoms.words;
        for (std::size_t w = 0; w < result_.offered.size(); ++w) {
            if (result_.absent[w]) result_.offered[w] |= result_.unknown[w];
        }
    }

    // What the CPU can do and guests are not given; what VMMs emulate is no doing of the CPU.
    void find_withheld(const TablePromises& hardware) {
        for (std::size_t w = 0; w < result_.unknown.size(); ++w) {
            const std::uint64_t kept = rules_.words()[w].intersect & hardware.atoms.words[w];
            result_.withheld[w] = kept & ~result_.atoms.words[w] & ~result_.unknown[w];
        }
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rulebook_[index];
            if (!field.emulated) continue;
            if (const auto word = rules_.find_word(index, field.subleaf_first)) {
                result_.withheld[*word] &= ~field.mask();
            }
        }
    }

    // Some states the kernel enables for a process when it uses them (XFD: ECX[2] of the row; SDM vol. 1, 13.14). KVM
    // leaves them out of its answer to a process that has not asked to give them to guests (K kvm/cpuid.c case 0xd:
    // permitted_xcr0), and lists their features all the same: the answer does not say that guests cannot have them.
    void find_unpermitted(const TablePromises& hardware) {
        if (!rules_.xsave_leaf()) return;
        std::uint64_t asked_for = 0;
        for (const XsaveComponent& component : rulebook_.xsave) {
            const Registers* row = result_.table->find({*rules_.xsave_leaf(), component.bit});
            const bool is_dynamic = row != nullptr && (row->ecx & 4U) != 0;
            if (is_dynamic) asked_for |= component.together | std::uint64_t{1} << component.bit;
        }
        const ViewReader reader(rules_, *tables_.offered(), *result_.msrs);
        for (const XsaveComponent& component : rulebook_.xsave) {
            const std::uint64_t bit = std::uint64_t{1} << component.bit;
            const bool is_left_out = (asked_for & bit) != 0 && hardware.atoms.components[component.bit].promised &&
                                     !result_.atoms.components[component.bit].promised;
            if (is_left_out && reader.shows_any(component.features)) result_.unpermitted |= bit;
        }
        result_.components_unknown |= result_.unpermitted;
        leave_rows_open();
    }

    // What the rows of these states say is left out with them.
    void leave_rows_open() {
        for (std::size_t w = 0; w < result_.unknown.size(); ++w) {
            const RegisterPlace& place = rules_.words()[w].place;
            const bool is_in_leaf = !place.is_msr && place.key.leaf == *rules_.xsave_leaf();
            if (!is_in_leaf || place.key.subleaf >= component_count) continue;
            if (((result_.unpermitted >> place.key.subleaf) & 1U) == 0) continue;
            result_.unknown[w] |= rules_.words()[w].all() & ~result_.atoms.words[w];
            result_.withheld[w] = 0;
        }
    }

    void read_microcode() {
        for (const CpuKind& kind : kinds_) {
            const auto& revision = silicon_of(kind.leaf1_eax).microcode;
            result_.atoms.microcode[kind.leaf1_eax] = {revision.has_value(), revision.value_or(0)};
        }
    }

    // What the model table settled is not for a hypervisor's view to tell.
    void forget_settled() {
        for (std::size_t w = 0; w < result_.unknown.size(); ++w) {
            result_.made[w] &= result_.unknown[w];
            result_.given[w] &= result_.unknown[w];
        }
    }

    // The MSRs of the view that capabilities come from. One that knows nothing of MSRs does not know which of the
    // silicon's it gives: no promise of theirs is one of the host's, and bad news comes from the silicon (widen).
    const Msrs& chosen_msrs() const { return host_.hypervisor ? host_.hypervisor->msrs : host_.hardware->msrs; }

    void describe() {
        result_.table = std::make_shared<const CpuidTable>(tables_.whole());
        result_.msrs = std::make_shared<const Msrs>(chosen_msrs());
        result_.offered_table =
            tables_.offered() != nullptr ? std::make_shared<const CpuidTable>(*tables_.offered()) : result_.table;
        result_.hiding = tables_.hiding();
        result_.is_partial = host_.is_partial();
        result_.has_hardware_view = host_.hardware.has_value();
        result_.has_hypervisor_view = host_.hypervisor.has_value();
        result_.has_msrs = result_.msrs->has_value();
        result_.kernel = kernel_of(host_);
        result_.leaf1_eax = kinds_.front().leaf1_eax;
        result_.signature = signature_of(result_.leaf1_eax);
        const ViewReader first(rules_, *result_.table, *result_.msrs);
        for (const FieldIndex index : rules_.fields()) {
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
            const Signature signature = signature_of(kind.leaf1_eax);
            silicon.model = rulebook_.model_of(rules_.vendor(), signature);
            if (silicon.model == nullptr) silicon.family = rulebook_.family_of(rules_.vendor(), signature.family);
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
        return read_view(rules_, ViewReader(rules_, table, host_.hardware->msrs), silicon_of(signature_in(table)),
                         ViewKind::hardware);
    }

    // The view speaks for all kinds of CPU.
    TablePromises read_hypervisor(const TablePromises* hardware) const {
        const ViewReader view(rules_, *tables_.offered(), *result_.msrs);
        TablePromises all = read_view(rules_, view, result_.silicon, ViewKind::hypervisor, hardware);
        for (const Silicon& silicon : result_.other_silicon) {
            join_cpu(rules_, all, read_view(rules_, view, silicon, ViewKind::hypervisor, hardware));
        }
        return all;
    }

    // The meet over the logical CPUs: a vCPU may run on any of them.
    TablePromises read_cpus() {
        TablePromises host = read_cpu(*tables_.cpus().front());
        if (tables_.cpus().size() == 1) return host;  // of most hosts: there is nothing to compare
        const TablePromises first = host;
        differing_ = Differing(rules_, first);
        for (std::size_t i = 1; i < tables_.cpus().size(); ++i) {
            const TablePromises cpu = read_cpu(*tables_.cpus()[i]);
            differing_.note(first, cpu);
            join_cpu(rules_, host, cpu);
        }
        if (host_.hypervisor) leave_out_made();
        for (std::size_t n = 0; n < differing_.numbers.size(); ++n) {
            if (differing_.numbers[n]) result_.uneven.push_back(rules_.numbers()[n].field);
        }
        for (std::size_t w = 0; w < differing_.words.size(); ++w) {
            const std::uint64_t bits = differing_.words[w];
            if (bits != 0) collect_fields(rules_, rules_.words()[w], bits, result_.uneven);
        }
        merge_sorted(result_.uneven, {});
        result_.uneven_layouts = differing_.layouts;
        return host;
    }

    // About those the CPUs do not decide.
    void leave_out_made() {
        const std::vector<std::uint64_t> made = made_by_hypervisors(rules_);
        for (std::size_t w = 0; w < made.size(); ++w) differing_.words[w] &= ~made[w];
    }

    const VendorRules& rules_;
    const Rulebook& rulebook_;
    const HostDump& host_;
    std::vector<CpuKind> kinds_;
    HostTables tables_;
    Differing differing_;
    HostPromises result_;
};

}  // namespace

std::string kernel_of(const HostDump& host) {
    const auto at = host.meta.find("kernel");
    return host.hardware && host.hypervisor && at != host.meta.end() ? at->second : std::string();
}

HostPromises promises_of(const VendorRules& rules, const HostDump& host) { return HostReader(rules, host).read(); }

}  // namespace poolcpuid::promises
