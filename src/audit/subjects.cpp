#include "audit/subjects.hpp"

#include <algorithm>
#include <utility>

#include "dump/virtual_machine.hpp"
#include "policy/cpu_kinds.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "promises/openness.hpp"
#include "promises/seen_value.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::audit {

using promises::HostPromises;
using promises::VendorRules;

namespace {

std::string vendor_id(const VendorRules& rules) { return std::string(rules.rulebook().vendors[rules.vendor()].id); }

// A guest that is not told of the MSR does not read it.
bool is_told_of(const VendorRules& rules, const PolicyRegisters& guest, const Field& field) {
    if (!field.is_msr) return true;
    const FieldIndex sign = rules.enumerator(field.leaf);
    return sign == no_field || guest.value(rules.rulebook()[sign]) != 0;
}

// A host of which one knows both what it shows and what it promises.
class HostFacts {
public:
    HostFacts(const VendorRules& rules, const HostDump& host)
        : rules_(rules), host_(host), promises_(promises::promises_of(rules, host)) {}

    Answer operator()(FieldIndex index) const {
        const Field& field = rules_.rulebook()[index];
        switch (field.rule) {
            case Rule::intersect:
            case Rule::union_: return of_promise(index, field);
            case Rule::guarded: return of_guarded(index, field);
            case Rule::group: return of_group(index, field);
            default: break;
        }
        if (host_.hardware) return hardware(field);
        // What a hypervisor shows to no guest says nothing of the host.
        const Answer shown = hypervisor(field);
        return shown == Answer::no && field.exposure == Exposure::never ? Answer::unknown : shown;
    }

    // A merge takes no hypervisor's word for what every one of them makes, but that of this one.
    bool is_unsaid(FieldIndex index) const {
        const Field& field = rules_.rulebook()[index];
        const bool by_promise = field.rule == Rule::intersect || field.rule == Rule::union_;
        if (!by_promise) return (*this)(index) == Answer::unknown;
        const auto word = rules_.find_word(index, field.subleaf_first);
        return word && (promises_.unknown[*word] & field.mask()) != 0;
    }

    bool is_withheld(FieldIndex index) const {
        return promises::is_withheld(rules_, promises_, index, rules_.rulebook()[index].subleaf_first);
    }

    // By the CPU's own view: a hypervisor may end CPUID early.
    bool is_beyond(FieldIndex index) const {
        if (!host_.hardware) return false;
        if (promises::is_known_open(rules_, promises_, rules_.rulebook()[index].brought_to)) return true;
        const Field* field = &rules_.rulebook()[index];
        if (field->is_msr) {
            const FieldIndex sign = rules_.enumerator(field->leaf);
            if (sign == no_field) return false;
            field = &rules_.rulebook()[sign];
        }
        constexpr std::uint32_t range = 0xFFFF0000;
        const auto last = promises::register_value(host_.first_table(), {field->leaf & range, 0}, Register::eax);
        return last && *last < field->leaf;
    }

private:
    // The promise of the merge, which knows of the model table and of what hypervisors make, and what the silicon has
    // though its hypervisor does not offer it.
    Answer of_promise(FieldIndex index, const Field& field) const {
        const auto word = rules_.find_word(promises::place_of(field, field.subleaf_first));
        if (!word) return Answer::no;
        const std::uint64_t bits = field.mask();
        if ((promises_.unknown[*word] & bits) != 0) {
            return (promises_.given[*word] & bits) != 0 ? Answer::yes : Answer::unknown;
        }
        if ((promises_.withheld[*word] & bits) != 0) return Answer::yes;
        const bool promised = (promises_.atoms.words[*word] & bits) != 0;
        if (!promised && promises_.absent[*word] && may_have(field)) return Answer::unknown;
        return answer_of(rules_.is_inverted(index) ? !promised : promised);
    }

    // Of a bit in an MSR that the hypervisor's view has not: whether the CPU may be immune all the same.
    bool may_have(const Field& field) const {
        const auto is_affected = [&](const promises::Silicon& silicon) {
            return silicon.is_affected(field.made.model);
        };
        return host_.hypervisor && hardware(field) == Answer::unknown && !promises_.any_silicon(is_affected);
    }

    // Whether VERW scrubs, and not whether it need not.
    Answer of_guarded(FieldIndex index, const Field& field) const {
        const auto scrubs = [&](const promises::Silicon& silicon) { return silicon.fact(index).value_or(0) != 0; };
        if (shown(field) == Answer::yes || promises_.all_silicon(scrubs)) return Answer::yes;
        const auto may_scrub = [&](const promises::Silicon& silicon) {
            return scrubs(silicon) || silicon.depends_on_microcode(index);
        };
        return promises_.all_silicon(may_scrub) ? Answer::unknown : shown(field);
    }

    // As the host words it: the merge has one promise for all of the group.
    Answer of_group(FieldIndex index, const Field& field) const {
        const auto is_bad = [&](const promises::Silicon& silicon) { return silicon.fact(index).value_or(0) != 0; };
        if (promises_.any_silicon(is_bad)) return Answer::yes;
        const Answer answer =
            host_.hardware && hardware(field) != Answer::unknown ? hardware(field) : hypervisor(field);
        if (answer != Answer::unknown) return answer;
        const auto is_settled = [&](const promises::Silicon& silicon) {
            return silicon.settled_fact(index).has_value();
        };
        return promises_.all_silicon(is_settled) ? Answer::no : Answer::unknown;
    }

    // What any view shows.
    Answer shown(const Field& field) const {
        const Answer by_cpu = hardware(field);
        const Answer by_vmm = hypervisor(field);
        if (by_cpu == Answer::yes || by_vmm == Answer::yes) return Answer::yes;
        if (host_.hardware && by_cpu == Answer::no) return Answer::no;
        return host_.hypervisor ? by_vmm : by_cpu;
    }

    // Of all logical CPUs: a vCPU may run on any of them.
    Answer hardware(const Field& field) const {
        if (!host_.hardware) return Answer::unknown;
        Answer all = Answer::yes;
        for (const LogicalCpu& cpu : host_.hardware->cpus) {
            const Answer one = of_view(cpu.cpuid, host_.hardware->msrs, field);
            if (one == Answer::no) return one;
            if (one == Answer::unknown) all = one;
        }
        return all;
    }

    Answer hypervisor(const Field& field) const {
        return host_.hypervisor ? of_view(host_.hypervisor->cpuid, host_.hypervisor->msrs, field) : Answer::unknown;
    }

    Answer of_view(const CpuidTable& table, const promises::Msrs& msrs, const Field& field) const {
        const auto value = promises::ViewReader(rules_, table, msrs).field(field, field.subleaf_first);
        return value ? answer_of(*value != 0) : Answer::unknown;
    }

    const VendorRules& rules_;
    const HostDump& host_;
    HostPromises promises_;
};

}  // namespace

Subject guest_of(const VendorRules& rules, const PoolPolicy& policy, const std::vector<std::string>& assumptions) {
    const auto field = [&rules, guest = PolicyRegisters(policy)](FieldIndex index) {
        const Field& entry = rules.rulebook()[index];
        return answer_of(is_told_of(rules, guest, entry) && guest.value(entry) != 0);
    };
    return {true, vendor_id(rules), PolicyRegisters(policy).signature(), false, assumptions, field, nullptr};
}

std::vector<Subject> host_of(const VendorRules& rules, const HostDump& host,
                             const std::vector<std::string>& assumptions) {
    const auto facts = std::make_shared<const HostFacts>(rules, host);
    const bool is_virtual = dump::taken_in(host) == dump::TakenIn::virtual_machine;
    std::vector<Subject> subjects;
    for (const CpuKind& kind : cpu_kinds(rules.rulebook(), host)) {
        std::optional<Signature> signature;
        if (kind.leaf1_eax != 0) signature = signature_of(kind.leaf1_eax);
        Subject subject{false,      vendor_id(rules), signature,
                        is_virtual, assumptions,      [facts](FieldIndex index) { return (*facts)(index); },
                        nullptr};
        subject.is_unsaid = [facts](FieldIndex index) { return facts->is_unsaid(index); };
        subject.is_withheld = [facts](FieldIndex index) { return facts->is_withheld(index); };
        subject.is_beyond = [facts](FieldIndex index) { return facts->is_beyond(index); };
        subjects.push_back(std::move(subject));
    }
    return subjects;
}

}  // namespace poolcpuid::audit
