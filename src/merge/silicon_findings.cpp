#include "merge/silicon_findings.hpp"

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/lists.hpp"
#include "merge/outliers.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

class SiliconFinder {
public:
    explicit SiliconFinder(FindingList& list) : list_(list) {}

    void run() {
        report_kinds();
        report_models();
        report_microcode();
    }

private:
    // Sockets of two steppings, of which the model table may say different things.
    void report_kinds() {
        for (const Variant& variant : list_.variants()) {
            if (variant.promises->other_silicon.empty()) continue;
            std::vector<std::string> cpus;
            for (const auto& [signature, revision] : variant.promises->atoms.microcode) {
                cpus.push_back(full_text(cpu_of(list_.rulebook(), list_.rules().vendor(), signature_of(signature))));
            }
            list_.add("cpus-differ",
                      "The logical CPUs of " + enumerate(variant.hosts) +
                          " are not all of one model and stepping: " + short_list(cpus, names_in_sentence) +
                          ". What one of them does badly the host does, and it is immune to what all are.",
                      variant.hosts);
        }
    }

    void report_models() {
        report_models(false, ": what its silicon does beyond CPUID is not taken into account.");
        report_models(
            true, ": of its silicon, beyond CPUID, only what guests conclude from its family is taken into account.");
    }

    void report_models(bool of_known_family, const char* so_that) {
        const auto found = list_.hosts([&](const promises::HostPromises& host) {
            return host.any_silicon([&](const promises::Silicon& silicon) {
                return silicon.model == nullptr && (silicon.family != nullptr) == of_known_family;
            });
        });
        if (found.count == 0) return;
        list_.add("unknown-model", "The model table has no row for " + enumerate(found) + so_that, found);
    }

    // What works with some microcodes only is not promised for a host of which the revision is not known.
    void report_microcode() {
        std::map<std::tuple<FieldIndex, std::string_view, dump::TakenIn>, VariantSet> open;
        for (const Variant& variant : list_.variants()) {
            for (const FieldIndex index : list_.rules().fields()) {
                if (!is_open(*variant.promises, index)) continue;
                const promises::Silicon& silicon = undecided(*variant.promises, index);
                open[{index, silicon.model->name, silicon.taken_in}].insert(&variant);
            }
        }
        for (const auto& [key, variants] : open) {
            const auto& [index, model, taken_in] = key;
            const std::string field(list_.rulebook()[index].id);
            const HostList found = list_.list_of(variants);
            list_.add("microcode-unknown",
                      "The microcode revision of " + enumerate(found) + " is not known, and on " + std::string(model) +
                          " it decides about " + field + ": " +
                          (list_.rules().is_inverted(index) ? "the policy sets it, which cannot be ruled out. "
                                                            : "the policy does not promise it. ") +
                          document::how_to_know_revision(taken_in) + ".",
                      found, field);
        }
    }

    // The silicon of the host's CPUs on which a microcode decides the field that is not known.
    static const promises::Silicon& undecided(const promises::HostPromises& host, FieldIndex index) {
        for (const promises::Silicon& silicon : host.other_silicon) {
            if (!host.silicon.depends_on_microcode(index) && silicon.depends_on_microcode(index)) return silicon;
        }
        return host.silicon;
    }

    // A microcode that is not known decides the field, and that shows in the policy.
    bool is_open(const promises::HostPromises& host, FieldIndex index) const {
        const Field& field = list_.rulebook()[index];
        const auto word = list_.rules().find_word(index, field.subleaf_first);
        if (!word || (host.by_microcode[*word] & field.mask()) == 0) return false;
        if (list_.rules().is_inverted(index)) return list_.draft().present(index);
        return list_.draft().fate(index).cause != Cause::not_asked && !list_.draft().is_hidden(index);
    }

    FindingList& list_;
};

}  // namespace

void report_silicon(FindingList& list) { SiliconFinder(list).run(); }

}  // namespace poolcpuid::merge
