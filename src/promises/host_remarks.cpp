#include "promises/host_remarks.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dump/hypervisor_leaves.hpp"
#include "promises/sorted_lists.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::promises {

namespace {

class Remarks {
public:
    Remarks(const VendorRules& rules, const HostDump& dump, const HostTables& tables, HostPromises& host)
        : rules_(rules), rulebook_(rules.rulebook()), dump_(dump), tables_(tables), host_(host) {}

    void add() {
        find_silent_rows();
        find_strays();
        find_easings();
    }

private:
    // KVM does not offer all of them, and what they say is so in the silicon: in all of it, or on no CPU.
    void find_easings() {
        if (tables_.offered() != nullptr) host_.easings = ViewReader(rules_, *tables_.offered(), *host_.msrs).easings();
        if (tables_.cpus().empty()) return;
        const auto easings_of = [&](const CpuidTable& cpu) {
            return ViewReader(rules_, cpu, dump_.hardware->msrs).easings();
        };
        std::vector<FieldIndex> shown = easings_of(*tables_.cpus().front());
        for (std::size_t i = 1; i < tables_.cpus().size(); ++i) {
            const std::vector<FieldIndex> of_cpu = easings_of(*tables_.cpus()[i]);
            std::erase_if(shown, [&](FieldIndex index) {
                return std::find(of_cpu.begin(), of_cpu.end(), index) == of_cpu.end();
            });
        }
        merge_sorted(host_.easings, shown);
    }

    // What a setting hides is no silence of the dump: a finding of its own tells of it.
    bool is_hidden(const RegisterPlace& place) const {
        return !host_.hiding.empty() && dump_.first_table().unknown_in(place.key, place.reg) == 0;
    }

    void find_silent_rows() {
        const auto note = [&](const RegisterPlace& place) {
            if (!place.is_msr && !is_hidden(place)) host_.silent_rows.push_back(place.key);
        };
        for (std::size_t w = 0; w < host_.unknown.size(); ++w) {
            if ((host_.unknown[w] & ~host_.by_microcode[w] & ~host_.made[w]) != 0) note(rules_.words()[w].place);
        }
        for (std::size_t n = 0; n < rules_.numbers().size(); ++n) {
            const NumberSlot& slot = rules_.numbers()[n];
            const RegisterPlace place = place_of(rulebook_[slot.field], slot.subleaf);
            const bool is_of_silicon = rulebook_[slot.field].hypervisor == no_hypervisor;
            if (is_of_silicon && !host_.atoms.numbers[n].known && host_.table->find(place.key) == nullptr) {
                note(place);
            }
        }
        merge_sorted(host_.silent_rows, {});
    }

    void find_strays() {
        for (const CpuidTable* cpu : tables_.dumped()) find_strays(*cpu);
        if (dump_.hypervisor) find_strays(dump_.hypervisor->cpuid);
        find_msr_strays();
        merge_sorted(host_.strays, {});
    }

    void find_strays(const CpuidTable& table) {
        for (const CpuidRow& row : table.rows) {
            const auto leaf = dump::known_leaf(rulebook_, table, row.key.leaf);
            if (!leaf) continue;
            for (const Register reg : all_registers) {
                if (row.value[reg] == 0) continue;
                const RegisterPlace place{false, row.key, reg};
                const std::uint64_t known = rules_.bits_with_field({false, {*leaf, row.key.subleaf}, reg});
                const std::uint64_t unclassified = row.value[reg] & ~known;
                if (unclassified != 0) host_.strays.push_back({place, unclassified});
            }
        }
    }

    // Of the MSRs that the rulebook knows; a dump may list hundreds of others.
    void find_msr_strays() {
        if (!host_.has_msrs) return;
        for (const MsrRow& row : **host_.msrs) {
            const RegisterPlace place{true, {row.index, 0}, Register::eax};
            const std::uint64_t known = rules_.bits_with_field(place);
            const std::uint64_t unclassified = row.value.value_or(0) & ~known;
            if (known != 0 && unclassified != 0) host_.strays.push_back({place, unclassified});
        }
    }

    const VendorRules& rules_;
    const Rulebook& rulebook_;
    const HostDump& dump_;
    const HostTables& tables_;
    HostPromises& host_;
};

}  // namespace

void add_remarks(const VendorRules& rules, const HostDump& dump, const HostTables& tables, HostPromises& host) {
    Remarks(rules, dump, tables, host).add();
}

}  // namespace poolcpuid::promises
