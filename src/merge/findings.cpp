#include "merge/findings.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "merge/assured_findings.hpp"
#include "merge/identity_findings.hpp"
#include "merge/msr_findings.hpp"
#include "merge/outliers.hpp"
#include "merge/rate_findings.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"
#include "poolcpuid/finding_code.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;
using document::leaves_text;

std::string place_text(const RegisterPlace& place) {
    if (place.is_msr) return "MSR " + to_hex(place.key.leaf);
    return "leaf " + leaves_text({place.key}) + " " + to_string(place.reg);
}

class Finder {
public:
    Finder(const DecisionInputs& inputs, const HostGroups& groups,
           const std::vector<std::pair<std::string, std::string>>& skipped)
        : in_(inputs),
          groups_(groups),
          skipped_(skipped),
          plan_(inputs.draft.plan()),
          rulebook_(inputs.draft.plan().rulebook()) {}

    std::vector<Finding> run() {
        report_skipped();
        report_guards();
        report_unsafe_identity(in_, groups_, findings_);
        report_widths();
        report_silence();
        report_missing_views();
        report_assured(in_, findings_);
        report_asked_of_hardware();
        report_withheld();
        report_unpermitted();
        report_assumptions();
        report_layouts();
        report_uneven();
        report_kinds();
        report_strays();
        report_models();
        report_microcode();
        report_outliers();
        report_artefact();
        report_unknown_msrs(in_, findings_);
        report_rates(in_, findings_);
        report_notes();
        return sorted();
    }

private:
    std::vector<Finding> sorted() {
        const auto key = [](const Finding& f) { return std::tie(f.severity, f.code, f.field, f.message); };
        std::sort(findings_.begin(), findings_.end(),
                  [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
        return std::move(findings_);
    }

    void add(Severity severity, FindingCode code, std::string message, HostList hosts, std::string field = {}) {
        findings_.push_back({severity, std::string(code), std::move(message), std::move(field), std::move(hosts)});
    }

    HostList list_of(const VariantSet& variants) const { return hosts_of(variants, in_.most_names); }

    HostList hosts_where(const std::function<bool(const Variant&)>& which) const {
        return list_of(variants_where(in_.variants, which));
    }

    HostList hosts(const std::function<bool(const HostPromises&)>& which) const {
        return hosts_where([&](const Variant& variant) { return !variant.is_ceiling && which(*variant.promises); });
    }

    void report_skipped() {
        for (const auto& [file, reason] : skipped_) {
            add(Severity::error, "skipped-host", "Left out, as no host could be made of it: " + reason, {{file}, 1});
        }
    }

    // A guarded bit promises only that VERW scrubs wherever the guest runs.
    void report_guards() {
        for (std::size_t i = 0; i < plan_.guards().size(); ++i) {
            const GuardSlot& slot = plan_.guards()[i];
            const Field& field = rulebook_[slot.field];
            if (!in_.draft.asks_for_scrub(slot)) continue;
            const std::uint64_t bit = std::uint64_t{1} << i;
            // A host whose MSRs are not known stands in the finding of those. A ceiling joins as one more host.
            const HostList lost = hosts_where([&](const Variant& variant) {
                return (variant.promises->atoms.scrubs & bit) == 0 &&
                       !is_unknown_msr(plan_, *variant.promises, slot.field, slot.subleaf);
            });
            if (lost.count == 0) continue;
            const auto unsure = hosts([&](const HostPromises& host) {
                return (host.scrub_unknown & bit) != 0 && !is_unknown_msr(plan_, host, slot.field, slot.subleaf);
            });
            const bool is_shown = in_.draft.value(slot.field, slot.subleaf) != 0;
            std::string message = std::string(field.id) +
                                  (is_shown ? " is shown" : " is clear, yet told by other bits") +
                                  ", but VERW is not known to scrub on " + enumerate(lost) + ": ";
            const HostList virtual_ones = hosts(
                [&](const HostPromises& host) { return (host.scrub_unknown & bit) != 0 && host.silicon.is_virtual(); });
            message += what_helps(lost, unsure, virtual_ones);
            add(Severity::error, "verw-promise-lost", std::move(message), lost, std::string(field.id));
        }
    }

    // On hosts where VERW is not known to scrub; unsure: of those, that may be immune.
    static const char* what_helps(const HostList& lost, const HostList& unsure, const HostList& virtual_ones) {
        if (unsure.count != lost.count) return "affected and without the microcode. Update the microcode there.";
        if (virtual_ones.count == lost.count) {
            return "the dump is of a virtual machine, whose family and model its hypervisor chose, and shows neither "
                   "the bit nor immunity. Take one of its host.";
        }
        return "the dump shows neither the bit nor immunity. Update the microcode there, or add its revision and the "
               "feature MSRs to the dump.";
    }

    // A guest address width below the host's changes which addresses fault.
    void report_widths() {
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (field.rule != Rule::min || !field.zero_has_meaning || field.zero_means_field != no_field) continue;
            const auto slot = plan_.find_number(index, field.subleaf_first);
            if (!slot || in_.draft.is_out(index)) continue;
            const std::uint64_t width = in_.draft.value(index, field.subleaf_first);
            const auto wider = hosts([&](const HostPromises& host) {
                const Number& number = host.atoms.numbers[*slot];
                return number.known && number.value > width;
            });
            if (wider.count == 0) continue;
            add(Severity::warning, "address-width-differs",
                "The pool has " + std::to_string(width) + " physical address bits; " + enumerate(wider) +
                    (wider.count == 1 ? " has" : " have") +
                    " more. There, with NPT or EPT, an access to an address above the guest's width does not raise "
                    "the "
                    "reserved-bit page fault that the guest expects: KVM cannot emulate it under NPT, and under EPT "
                    "only with "
                    "allow_smaller_maxphyaddr. Guests that rely on such faults (shadow paging, some hardening) notice.",
                wider, std::string(field.id));
        }
    }

    // One finding for all hosts that are silent on the same leaves.
    void report_silence() {
        std::map<std::vector<LeafKey>, VariantSet> by_rows;
        for (const Variant& variant : in_.variants) {
            // Of a partial host that it is one says it.
            if (variant.is_ceiling || variant.promises->is_partial || variant.promises->silent_rows.empty()) continue;
            by_rows[variant.promises->silent_rows].insert(&variant);
        }
        for (const auto& [keys, variants] : by_rows) {
            const HostList found = list_of(variants);
            add(Severity::warning, "unknown-leaf",
                "The dump of " + enumerate(found) + " does not say what is in leaf " + leaves_text(keys) +
                    ". Unknown is not zero: the policy makes no promise there. A complete dump (cpuid -r) settles it.",
                found);
        }
    }

    // The fields that matter to the guest with bits in the mask of their word.
    std::vector<FieldIndex> fields_with(const std::vector<std::uint64_t>& masks) const {
        std::vector<FieldIndex> found;
        if (std::all_of(masks.begin(), masks.end(), [](std::uint64_t mask) { return mask == 0; })) return found;
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            const auto word = plan_.find_word(index, field.subleaf_first);
            if (!word || (masks[*word] & field.mask()) == 0 || in_.draft.is_out_of_sight(index)) continue;
            found.push_back(index);
        }
        return found;
    }

    std::string ids_of(const std::vector<FieldIndex>& fields, std::size_t most) const {
        std::vector<std::string> ids;
        for (const FieldIndex index : fields) ids.emplace_back(rulebook_[index].id);
        return short_list(ids, most);
    }

    // One finding for all hosts of which the same bits are unknown for want of a hypervisor's view.
    void report_missing_views() {
        std::map<std::vector<FieldIndex>, VariantSet> given;
        std::map<std::vector<FieldIndex>, VariantSet> taken;
        for (const Variant& variant : in_.variants) {
            if (variant.is_ceiling) continue;
            const auto fields = fields_with(variant.promises->made);
            for (const bool spared : {false, true}) {
                std::vector<FieldIndex> these = fields;
                std::erase_if(
                    these, [&](FieldIndex index) { return variant.promises->silicon.spares_guests(index) != spared; });
                if (!these.empty()) (spared ? taken : given)[these].insert(&variant);
            }
        }
        add_missing_views(given, "What hypervisors give guests by themselves is unknown there");
        add_missing_views(
            taken,
            "With that microcode some kernels keep from guests what works there. Whether this one does is "
            "unknown");
    }

    void add_missing_views(const std::map<std::vector<FieldIndex>, VariantSet>& by_fields, const std::string& unknown) {
        for (const auto& [fields, variants] : by_fields) {
            const HostList found = list_of(variants);
            add(Severity::note, "no-hypervisor-view",
                "The dump of " + enumerate(found) + " is of the hardware alone. " + unknown +
                    ", and the policy does not promise it: " + ids_of(fields, fields.size()) +
                    ". A dump of what the hypervisor gives settles it: " + document::hypervisor_dump + ".",
                found);
        }
    }

    // What guests are shown only when asked for is served by the hypervisor from a list of its own, which is shorter
    // than the CPU's and has other numbers (K nested.c nested_vmx_setup_ctls_msrs; kvm/cpuid.c case 0xa).
    void report_asked_of_hardware() {
        std::set<std::string> subjects;
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = rulebook_[index];
            if (!field.ask.empty() && in_.draft.present(index)) subjects.emplace(field.ask);
        }
        if (subjects.empty()) return;
        const HostList found = hosts([](const HostPromises& host) { return !host.has_hypervisor_view; });
        if (found.count == 0) return;
        const std::string asked = joined({subjects.begin(), subjects.end()});
        add(Severity::warning, "asked-of-hardware",
            "The policy shows what was asked for with --show (" + asked + ") as the CPU of " + enumerate(found) +
                " has it. Hypervisors give guests less of it, and other numbers, and may refuse the policy for that. "
                "What they give says " +
                document::hypervisor_dump + ".",
            found);
    }

    // One finding for all hosts whose CPUs have the same features that the same kernel does not offer.
    void report_withheld() {
        constexpr std::size_t most_named = 12;
        std::map<std::pair<std::string, std::vector<FieldIndex>>, VariantSet> causes;
        for (const Variant& variant : in_.variants) {
            const auto fields = fields_with(variant.promises->withheld);
            if (fields.empty()) continue;
            causes[{variant.promises->kernel, fields}].insert(&variant);
        }
        for (const auto& [cause, variants] : causes) {
            const auto& [kernel, fields] = cause;
            const HostList found = list_of(variants);
            add(Severity::warning, "hidden-by-hypervisor",
                "The CPU of " + enumerate(found) + " has " + std::to_string(fields.size()) +
                    (fields.size() == 1 ? " feature that " : " features that ") + document::offerer(kernel) +
                    " does not offer to guests: " + ids_of(fields, most_named) +
                    ". A newer kernel or hypervisor, or another of their settings, may offer " +
                    (fields.size() == 1 ? "it." : "them."),
                found);
        }
    }

    // One finding for all hosts whose dumps were taken without the permission for the same states.
    void report_unpermitted() {
        std::map<std::uint64_t, VariantSet> by_states;
        for (const Variant& variant : in_.variants) {
            if (variant.promises->unpermitted != 0) by_states[variant.promises->unpermitted].insert(&variant);
        }
        for (const auto& [states, variants] : by_states) {
            std::vector<std::string> ids;
            std::set<FieldIndex> features;
            for (const XsaveComponent& component : rulebook_.xsave) {
                if (((states >> component.bit) & 1U) == 0) continue;
                ids.emplace_back(component.id);
                features.insert(component.features.begin(), component.features.end());
            }
            const HostList found = list_of(variants);
            add(Severity::warning, "xsave-not-permitted",
                "The hypervisor's view of " + enumerate(found) + " has " +
                    ids_of({features.begin(), features.end()}, features.size()) + " without the XSAVE states " +
                    joined(ids) +
                    ", which the CPU has: KVM leaves them out where the process that asks it has no permission to give "
                    "them to guests (arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM). Whether guests can have them is unknown, "
                    "and the policy promises nothing of them. poolcpuid capture asks for the permission.",
                found);
        }
    }

    void report_assumptions() {
        std::set<FieldIndex> fields;
        for (const Variant& variant : in_.variants) {
            fields.insert(variant.promises->assumed.begin(), variant.promises->assumed.end());
        }
        for (const FieldIndex index : fields) {
            const Field& field = rulebook_[index];
            if (field.zero_means_field != no_field) continue;
            const auto found = hosts([&](const HostPromises& host) {
                return std::find(host.assumed.begin(), host.assumed.end(), index) != host.assumed.end();
            });
            if (found.count == 0) continue;
            add(Severity::warning, "value-assumed",
                "The dump of " + enumerate(found) + " does not say " + std::string(field.id) +
                    "; the least that the architecture allows, " + std::to_string(field.zero_means) + ", was taken.",
                found, std::string(field.id));
        }
    }

    void report_layouts() {
        for (const XsaveComponent& component : rulebook_.xsave) {
            const auto found = hosts([&](const HostPromises& host) {
                const auto& list = host.documented_layout;
                return std::find(list.begin(), list.end(), component.bit) != list.end() &&
                       host.atoms.components[component.bit].promised;
            });
            if (found.count > 0 && ((in_.draft.kept_components() >> component.bit) & 1U) != 0) {
                add(Severity::note, "xsave-layout-documented",
                    "The dump of " + enumerate(found) + " does not give the layout of the XSAVE state " +
                        std::string(component.id) + "; the vendor's documented layout was taken.",
                    found);
            }
            report_conflict(component);
            report_uneven(component);
        }
    }

    void report_uneven(const XsaveComponent& component) {
        const auto found =
            hosts([&](const HostPromises& host) { return ((host.uneven_layouts >> component.bit) & 1U) != 0; });
        if (found.count == 0 || !would_be_used(component)) return;
        add(Severity::warning, "cpus-differ",
            "The logical CPUs of " + enumerate(found) + " lay out the XSAVE state " + std::string(component.id) +
                " differently, so it and what needs it are not in the policy.",
            found);
    }

    void report_conflict(const XsaveComponent& component) {
        std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, VariantSet> layouts;
        for (const Variant& variant : in_.variants) {
            const Component& atom = variant.promises->atoms.components[component.bit];
            if (!atom.promised) return;  // a host without the component is no conflict
            layouts[{atom.offset, atom.size, atom.align64}].insert(&variant);
        }
        if (layouts.size() < 2 || !would_be_used(component)) return;
        std::string text;
        HostList all;
        for (const auto& [layout, variants] : layouts) {
            const HostList found = list_of(variants);
            const auto& [offset, size, align] = layout;
            text += (text.empty() ? "" : "; ") + std::to_string(size) + " bytes at " + std::to_string(offset) +
                    (align ? ", aligned," : "") + " on " + enumerate(found);
            all.add(found, in_.most_names);
        }
        add(Severity::warning, "xsave-layout-conflict",
            "The hosts lay out the XSAVE state " + std::string(component.id) + " differently (" + text +
                "), so it and what needs it are not in the policy.",
            all);
    }

    bool brings(const Variant& variant, FieldIndex index) const {
        return brought_value(plan_, *variant.promises, index, rulebook_[index].subleaf_first).value != 0;
    }

    // Whether every host has a feature that needs the state: else it would not be in the policy anyway.
    bool would_be_used(const XsaveComponent& component) const {
        return std::any_of(component.features.begin(), component.features.end(), [&](FieldIndex index) {
            return std::all_of(in_.variants.begin(), in_.variants.end(),
                               [&](const Variant& variant) { return brings(variant, index); });
        });
    }

    void report_uneven() {
        for (const Variant& variant : in_.variants) {
            std::string fields;
            for (const FieldIndex index : variant.promises->uneven) {
                if (in_.draft.is_out_of_sight(index)) continue;
                fields += (fields.empty() ? "" : ", ") + std::string(rulebook_[index].id);
            }
            if (fields.empty()) continue;
            add(Severity::warning, "cpus-differ",
                "The logical CPUs of " + enumerate(variant.hosts) + " differ in " + fields +
                    "; the host promises what all of them do.",
                variant.hosts);
        }
    }

    // Sockets of two steppings, of which the model table may say different things.
    void report_kinds() {
        for (const Variant& variant : in_.variants) {
            if (variant.promises->other_silicon.empty()) continue;
            std::vector<std::string> cpus;
            for (const auto& [signature, revision] : variant.promises->atoms.microcode) {
                cpus.push_back(full_text(cpu_of(rulebook_, plan_.vendor(), signature_of(signature))));
            }
            add(Severity::warning, "cpus-differ",
                "The logical CPUs of " + enumerate(variant.hosts) +
                    " are not all of one model and stepping: " + short_list(cpus, names_in_sentence) +
                    ". What one of them does badly the host does, and it is immune to what all are.",
                variant.hosts);
        }
    }

    // A bit without a row has no polarity, so it is 0 and someone should look.
    void report_strays() {
        std::map<RegisterPlace, std::uint64_t> bits;
        for (const Variant& variant : in_.variants) {
            for (const StrayBits& stray : variant.promises->strays) bits[stray.place] |= stray.mask;
        }
        for (const auto& [place, mask] : bits) {
            const auto found = hosts([&, wanted = place](const HostPromises& host) {
                return std::any_of(host.strays.begin(), host.strays.end(),
                                   [&](const StrayBits& stray) { return stray.place == wanted; });
            });
            if (found.count == 0) continue;
            add(Severity::note, "unclassified-bit",
                "The rulebook does not know bits that are set in " + place_text(place) + " (mask " + to_hex(mask) +
                    "): the policy has 0 there, as nobody knows what they promise.",
                found);
        }
    }

    void report_models() {
        const auto found = hosts([](const HostPromises& host) {
            return host.any_silicon([](const Silicon& silicon) { return silicon.model == nullptr; });
        });
        if (found.count == 0) return;
        add(Severity::warning, "unknown-model",
            "The model table has no row for " + enumerate(found) +
                ": what its silicon does beyond CPUID is not taken into account.",
            found);
    }

    // What works with some microcodes only is not promised for a host of which the revision is not known.
    void report_microcode() {
        std::map<std::tuple<FieldIndex, std::string_view, dump::TakenIn>, VariantSet> open;
        for (const Variant& variant : in_.variants) {
            for (const FieldIndex index : plan_.fields()) {
                if (!is_open(*variant.promises, index)) continue;
                const Silicon& silicon = undecided(*variant.promises, index);
                open[{index, silicon.model->name, silicon.taken_in}].insert(&variant);
            }
        }
        for (const auto& [key, variants] : open) {
            const auto& [index, model, taken_in] = key;
            const std::string field(rulebook_[index].id);
            const HostList found = list_of(variants);
            add(Severity::warning, "microcode-unknown",
                "The microcode revision of " + enumerate(found) + " is not known, and on " + std::string(model) +
                    " it decides about " + field + ": " +
                    (plan_.is_inverted(index) ? "the policy sets it, which cannot be ruled out. "
                                              : "the policy does not promise it. ") +
                    document::how_to_know_revision(taken_in) + ".",
                found, field);
        }
    }

    // The silicon of the host's CPUs on which a microcode decides the field that is not known.
    static const Silicon& undecided(const HostPromises& host, FieldIndex index) {
        for (const Silicon& silicon : host.other_silicon) {
            if (!host.silicon.depends_on_microcode(index) && silicon.depends_on_microcode(index)) return silicon;
        }
        return host.silicon;
    }

    // A microcode that is not known decides the field, and that shows in the policy.
    bool is_open(const HostPromises& host, FieldIndex index) const {
        const Field& field = rulebook_[index];
        const auto word = plan_.find_word(index, field.subleaf_first);
        if (!word || (host.by_microcode[*word] & field.mask()) == 0) return false;
        if (plan_.is_inverted(index)) return in_.draft.present(index);
        const Cause cause = in_.draft.fate(index).cause;
        return cause != Cause::not_asked && cause != Cause::hidden;
    }

    // What fewer than half of the hosts with one CPU lack. It costs the pool what nobody else lacks.
    void report_outliers() {
        std::vector<AlikeHosts> alike;
        for (const Variant& variant : in_.variants) {
            if (!variant.is_ceiling) alike.push_back({*variant.promises, variant.hosts});
        }
        for (const Outlier& outlier : outliers_of(plan_, alike, in_.most_names)) {
            std::vector<FieldIndex> lost = outlier.fields;
            std::erase_if(lost, [&](FieldIndex index) { return !is_lost_to(index, outlier); });
            std::string message = sentence_of(rulebook_, outlier);
            message += lost.empty() ? " The pool loses nothing by it."
                                    : " Without " + std::string(outlier.hosts.count == 1 ? "it" : "them") +
                                          " the pool would have " + ids_of(lost, names_in_sentence) + ".";
            add(lost.empty() ? Severity::note : Severity::warning, "outlier", std::move(message), outlier.hosts,
                outlier.fields.size() == 1 ? std::string(rulebook_[outlier.fields.front()].id) : std::string());
        }
    }

    // True when the policy lacks the feature for want of these hosts alone, and not by an option.
    bool is_lost_to(FieldIndex index, const Outlier& outlier) const {
        const Cause cause = in_.draft.fate(index).cause;
        if (in_.draft.present(index) || cause == Cause::ceiling || cause == Cause::hidden) return false;
        return std::all_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
            return outlier.promises.contains(variant.promises.get()) || brings(variant, index);
        });
    }

    void report_artefact() {
        const auto found = hosts([](const HostPromises& host) { return host.syscall_artefact; });
        if (found.count == 0) return;
        add(Severity::note, "syscall-read-in-32-bit-mode",
            "SYSCALL reads 0 on " + enumerate(found) +
                " because the dump was taken in 32-bit code; long mode implies it, so it counts as set.",
            found);
    }

    void report_notes() {
        std::map<std::pair<FindingCode, std::string>, HostList> notes;
        for (const auto& [digest, group] : groups_) {
            for (const DumpNote& note : group.notes) {
                notes[{note.code, note.message}].add(group.hosts, in_.most_names);
            }
        }
        for (const auto& [note, found] : notes) {
            // What else is told of a host does not keep a promise from being known, or true.
            const bool costs = note.first == FindingCode("partial-host") ||
                               note.first == FindingCode("core-types-missing") ||
                               note.first == FindingCode("cpuid-hidden") || note.first == FindingCode("truncated") ||

                               note.first == FindingCode("microcode-unknown");
            add(costs ? Severity::warning : Severity::note, note.first, note.second, found);
        }
    }

    const DecisionInputs& in_;
    const HostGroups& groups_;
    const std::vector<std::pair<std::string, std::string>>& skipped_;
    const Plan& plan_;
    const Rulebook& rulebook_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> find(const DecisionInputs& inputs, const HostGroups& groups,
                          const std::vector<std::pair<std::string, std::string>>& skipped) {
    return Finder(inputs, groups, skipped).run();
}

}  // namespace poolcpuid::merge
