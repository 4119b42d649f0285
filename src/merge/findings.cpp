#include "merge/findings.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "dump/hidden_cpuid.hpp"
#include "merge/assured_findings.hpp"
#include "merge/finding_list.hpp"
#include "merge/identity_findings.hpp"
#include "merge/layout_findings.hpp"
#include "merge/missed_findings.hpp"
#include "merge/msr_findings.hpp"
#include "merge/outliers.hpp"
#include "merge/rate_findings.hpp"
#include "merge/silicon_findings.hpp"
#include "merge/view_findings.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"
#include "poolcpuid/finding_code.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;
using document::leaves_text;

std::string place_text(const promises::RegisterPlace& place) {
    if (place.is_msr) return "MSR " + to_hex(place.key.leaf);
    return "leaf " + leaves_text({place.key}) + " " + to_string(place.reg);
}

class Finder {
public:
    Finder(const DecisionInputs& inputs, const HostGroups& groups,
           const std::vector<std::pair<std::string, std::string>>& skipped, const DraftWithout& draft_without)
        : list_(inputs), groups_(groups), skipped_(skipped), draft_without_(draft_without) {}

    std::vector<Finding> run() {
        report_skipped();
        report_guards();
        report_widths();
        report_silence();
        report_assumptions();
        report_uneven();
        report_strays();
        report_undescribed();
        report_outliers();
        report_implied();
        report_hidden();
        report_notes();
        report_views(list_);
        report_layouts(list_);
        report_silicon(list_);
        report_unsafe_identity(list_, groups_);
        report_missed(list_);
        report_assured(list_);
        report_unknown_msrs(list_);
        report_rates(list_);
        return list_.take_sorted();
    }

private:
    void report_skipped() {
        for (const auto& [file, reason] : skipped_) {
            list_.add("skipped-host", "Left out, as no host could be made of it: " + reason, {{file}, 1});
        }
    }

    // A guarded bit promises only that VERW scrubs wherever the guest runs.
    void report_guards() {
        for (std::size_t i = 0; i < list_.rules().guards().size(); ++i) {
            const promises::GuardSlot& slot = list_.rules().guards()[i];
            const Field& field = list_.rulebook()[slot.field];
            if (!list_.draft().asks_for_scrub(slot)) continue;
            const std::uint64_t bit = std::uint64_t{1} << i;
            // A host whose MSRs are not known stands in the finding of those.
            const auto is_lost = [&](const promises::HostPromises& host) {
                return (host.atoms.scrubs & bit) == 0 && !is_unknown_msr(list_.rules(), host, slot.field, slot.subleaf);
            };
            const auto is_unsure = [&](const promises::HostPromises& host) {
                return is_lost(host) && (host.scrub_unknown & bit) != 0;
            };
            // A ceiling joins as one more host.
            const HostList lost = list_.hosts_where([&](const Variant& variant) { return is_lost(*variant.promises); });
            if (lost.count == 0) continue;
            const HostList affected = list_.hosts_where(
                [&](const Variant& variant) { return is_lost(*variant.promises) && !is_unsure(*variant.promises); });
            const HostList unsure = list_.hosts(is_unsure);
            const HostList virtual_ones = list_.hosts(
                [&](const promises::HostPromises& host) { return is_unsure(host) && host.silicon.is_virtual(); });
            const bool is_shown = list_.draft().value(slot.field, slot.subleaf) != 0;
            std::string message = std::string(field.id) +
                                  (is_shown ? " is shown" : " is clear, yet told by other bits") +
                                  ", but VERW is not known to scrub on " + enumerate(lost) + ": ";
            message += what_helps(affected, unsure, virtual_ones);
            list_.add("verw-promise-lost", std::move(message), lost, std::string(field.id));
        }
    }

    // Where VERW is not known to scrub. affected: hosts that are known to need it; unsure: those that may be immune, of
    // which virtual_ones are virtual machines.
    static std::string what_helps(const HostList& affected, const HostList& unsure, const HostList& virtual_ones) {
        if (unsure.count == 0) return "affected and without the microcode. Update the microcode there.";
        if (affected.count != 0) {
            return enumerate(affected) + (affected.count == 1 ? " is" : " are") +
                   " affected and without the microcode; of " + enumerate(unsure) +
                   " the dump shows neither the bit nor immunity. Update the microcode there, and where the dump is "
                   "silent its revision and the feature MSRs may tell.";
        }
        if (virtual_ones.count == unsure.count) {
            return "the dump is of a virtual machine, whose family and model its hypervisor chose, and shows neither "
                   "the bit nor immunity. Take one of its host.";
        }
        return "the dump shows neither the bit nor immunity. Update the microcode there, or add its revision and the "
               "feature MSRs to the dump.";
    }

    // Where the rulebook says what a guest meets on a host with more: a guest address width below the host's changes
    // which addresses fault.
    void report_widths() {
        for (const FieldIndex index : list_.rules().fields()) {
            const Field& field = list_.rulebook()[index];
            if (field.wider.empty()) continue;
            const auto slot = list_.rules().find_number(index, field.subleaf_first);
            if (!slot || list_.draft().is_out(index)) continue;
            const std::uint64_t width = list_.draft().value(index, field.subleaf_first);
            const auto wider = list_.hosts([&](const promises::HostPromises& host) {
                const promises::Number& number = host.atoms.numbers[*slot];
                return number.known && number.value > width;
            });
            if (wider.count == 0) continue;
            list_.add("address-width-differs",
                      std::string(field.id) + " is " + std::to_string(width) + " in the pool; " + enumerate(wider) +
                          (wider.count == 1 ? " has" : " have") + " more. " + std::string(field.wider),
                      wider, std::string(field.id));
        }
    }

    // One finding for all hosts that are silent on the same leaves.
    void report_silence() {
        std::map<std::vector<LeafKey>, VariantSet> by_rows;
        for (const Variant& variant : list_.variants()) {
            // Of a partial host that it is one says it.
            if (variant.is_ceiling || variant.promises->is_partial || variant.promises->silent_rows.empty()) continue;
            by_rows[variant.promises->silent_rows].insert(&variant);
        }
        for (const auto& [keys, variants] : by_rows) {
            const HostList found = list_.list_of(variants);
            list_.add(
                "unknown-leaf",
                "The dump of " + enumerate(found) + " does not say what is in leaf " + leaves_text(keys) +
                    ". Unknown is not zero: the policy makes no promise there. A complete dump (cpuid -r) settles it.",
                found);
        }
    }

    // Calls visit with each field that stands in the list of some host, and with those hosts.
    template <typename Visit>
    void each_field_in(std::vector<FieldIndex> promises::HostPromises::*list, const Visit& visit) const {
        std::set<FieldIndex> fields;
        for (const Variant& variant : list_.variants()) {
            const std::vector<FieldIndex>& own = (*variant.promises).*list;
            fields.insert(own.begin(), own.end());
        }
        for (const FieldIndex index : fields) {
            const HostList found = list_.hosts([&](const promises::HostPromises& host) {
                return std::find((host.*list).begin(), (host.*list).end(), index) != (host.*list).end();
            });
            if (found.count != 0) visit(list_.rulebook()[index], found);
        }
    }

    void report_assumptions() {
        each_field_in(&promises::HostPromises::assumed, [&](const Field& field, const HostList& found) {
            if (field.zero_means_field != no_field) return;
            list_.add("value-assumed",
                      "The dump of " + enumerate(found) + " does not say " + std::string(field.id) +
                          "; the least that the architecture allows, " + std::to_string(field.zero_means) +
                          ", was taken.",
                      found, std::string(field.id));
        });
    }

    void report_uneven() {
        for (const Variant& variant : list_.variants()) {
            std::string fields;
            for (const FieldIndex index : variant.promises->uneven) {
                if (list_.draft().is_out_of_sight(index)) continue;
                fields += (fields.empty() ? "" : ", ") + std::string(list_.rulebook()[index].id);
            }
            if (fields.empty()) continue;
            list_.add("cpus-differ",
                      "The logical CPUs of " + enumerate(variant.hosts) + " differ in " + fields +
                          "; the host promises what all of them do.",
                      variant.hosts);
        }
    }

    // A bit without a row has no polarity, so it is 0 and someone should look.
    void report_strays() {
        std::map<promises::RegisterPlace, std::uint64_t> bits;
        for (const Variant& variant : list_.variants()) {
            for (const promises::StrayBits& stray : variant.promises->strays) bits[stray.place] |= stray.mask;
        }
        for (const auto& [place, mask] : bits) {
            const auto found = list_.hosts([&, wanted = place](const promises::HostPromises& host) {
                return std::any_of(host.strays.begin(), host.strays.end(),
                                   [&](const promises::StrayBits& stray) { return stray.place == wanted; });
            });
            if (found.count == 0) continue;
            list_.add("unclassified-bit",
                      "The rulebook does not know bits that " + enumerate(found) +
                          (found.count == 1 ? " sets in " : " set in ") + place_text(place) + " (mask " + to_hex(mask) +
                          "): the policy has 0 there, as nobody knows what they promise.",
                      found);
        }
    }

    // Nor has what is beyond the largest number that the rulebook describes.
    void report_undescribed() {
        std::set<std::pair<std::size_t, std::uint64_t>> numbers;
        for (const Variant& variant : list_.variants()) {
            for (const promises::Undescribed& own : variant.promises->undescribed) numbers.emplace(own.slot, own.value);
        }
        for (const auto& [slot, value] : numbers) {
            const FieldIndex index = list_.rules().numbers()[slot].field;
            if (list_.draft().is_out_of_sight(index)) continue;
            const auto found = list_.hosts([&, wanted = slot, number = value](const promises::HostPromises& host) {
                return host.undescribed_value(wanted) == number;
            });
            const Field& field = list_.rulebook()[index];
            const std::string most = std::to_string(field.known_to);
            list_.add("unclassified-bit",
                      std::string(field.id) + " is " + std::to_string(value) + " on " + enumerate(found) +
                          ", of which the rulebook describes no more than " + most + ": the policy has " + most +
                          " at most, as nobody knows what the rest promises.",
                      found, std::string(field.id));
        }
    }

    // What fewer than half of the hosts with one CPU lack. It costs the pool what nobody else lacks.
    void report_outliers() {
        std::vector<AlikeHosts> alike;
        for (const Variant& variant : list_.variants()) {
            if (!variant.is_ceiling) alike.push_back({*variant.promises, variant.hosts});
        }
        for (const Outlier& outlier : outliers_of(list_.rules(), alike, list_.inputs().most_names)) {
            const std::vector<FieldIndex> lost = lost_to(outlier);
            std::string message = sentence_of(list_.rulebook(), outlier);
            message += lost.empty() ? " The pool loses nothing by it."
                                    : " Without " + std::string(outlier.hosts.count == 1 ? "it" : "them") +
                                          " the pool would have " + list_.ids_of(lost, names_in_sentence) + ".";
            list_.add_by_case(
                lost.empty() ? Severity::note : Severity::warning, "outlier", std::move(message), outlier.hosts,
                outlier.fields.size() == 1 ? std::string(list_.rulebook()[outlier.fields.front()].id) : std::string());
        }
    }

    // What a merge without these hosts would have. It may lack a feature that all others bring, as one whose gate is
    // not shown, or for what an option takes: the draft says so, and is made where there is a feature to ask about.
    std::vector<FieldIndex> lost_to(const Outlier& outlier) const {
        std::vector<FieldIndex> lost = outlier.fields;
        std::erase_if(
            lost, [&](FieldIndex index) { return list_.draft().present(index) || !all_others_bring(index, outlier); });
        if (lost.empty()) return lost;
        const Draft others = draft_without_(outlier.promises);
        std::erase_if(lost, [&](FieldIndex index) { return !others.present(index); });
        return lost;
    }

    bool all_others_bring(FieldIndex index, const Outlier& outlier) const {
        return std::all_of(list_.variants().begin(), list_.variants().end(), [&](const Variant& variant) {
            return outlier.promises.contains(variant.promises.get()) || list_.brings(variant, index);
        });
    }

    // A bit that a dump shows clear though another says that it is there.
    void report_implied() {
        each_field_in(&promises::HostPromises::read_clear, [&](const Field& field, const HostList& found) {
            list_.add("syscall-read-in-32-bit-mode",
                      std::string(field.id) + " reads 0 on " + enumerate(found) + ", where " +
                          std::string(list_.rulebook()[field.implied_by.field].id) +
                          " implies it, so it counts as set. " + std::string(field.why),
                      found, std::string(field.id));
        });
    }

    // What settings of the firmware keep from being known, by this rulebook.
    void report_hidden() {
        std::map<dump::HidingSetting, VariantSet> settings;
        for (const Variant& variant : list_.variants()) {
            for (const dump::HidingSetting& setting : variant.promises->hiding) settings[setting].insert(&variant);
        }
        for (const auto& [setting, variants] : settings) {
            list_.add("cpuid-hidden", dump::text_of(list_.rulebook(), setting), list_.list_of(variants));
        }
    }

    void report_notes() {
        std::map<std::pair<FindingCode, std::string>, HostList> notes;
        for (const auto& [digest, group] : groups_) {
            for (const DumpNote& note : group.notes) {
                notes[{note.code, note.message}].add(group.hosts, list_.inputs().most_names);
            }
        }
        for (const auto& [note, found] : notes) list_.add(note.first, note.second, found);
    }

    FindingList list_;
    const HostGroups& groups_;
    const std::vector<std::pair<std::string, std::string>>& skipped_;
    const DraftWithout& draft_without_;
};

}  // namespace

std::vector<Finding> find(const DecisionInputs& inputs, const HostGroups& groups,
                          const std::vector<std::pair<std::string, std::string>>& skipped,
                          const DraftWithout& draft_without) {
    return Finder(inputs, groups, skipped, draft_without).run();
}

}  // namespace poolcpuid::merge
