#include "merge/view_findings.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

class ViewFinder {
public:
    explicit ViewFinder(FindingList& list) : list_(list) {}

    void run() {
        report_missing_views();
        report_asked_of_hardware();
        report_withheld();
        report_foreign();
        report_unpermitted();
    }

private:
    // One finding for all hosts of which the same bits are unknown for want of a hypervisor's view.
    void report_missing_views() {
        std::map<std::vector<FieldIndex>, VariantSet> given;
        std::map<std::vector<FieldIndex>, VariantSet> taken;
        for (const Variant& variant : list_.variants()) {
            if (variant.is_ceiling) continue;
            const auto fields = list_.fields_with(variant.promises->made);
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
            const HostList found = list_.list_of(variants);
            list_.add("no-hypervisor-view",
                      "The dump of " + enumerate(found) + " is of the hardware alone. " + unknown +
                          ", and the policy does not promise it: " + list_.ids_of(fields, fields.size()) +
                          ". A dump of what the hypervisor gives settles it: " + document::hypervisor_dump + ".",
                      found);
        }
    }

    // What guests are shown only when asked for is served by the hypervisor from a list of its own, which is shorter
    // than the CPU's and has other numbers (K nested.c nested_vmx_setup_ctls_msrs; kvm/cpuid.c case 0xa).
    void report_asked_of_hardware() {
        std::set<std::string> subjects;
        for (const FieldIndex index : list_.rules().fields()) {
            const Field& field = list_.rulebook()[index];
            if (field.exposure != Exposure::asked || !list_.draft().present(index)) continue;
            subjects.emplace(field.ask.empty() ? field.id : field.ask);
        }
        if (subjects.empty()) return;
        const HostList found =
            list_.hosts([](const promises::HostPromises& host) { return !host.has_hypervisor_view; });
        if (found.count == 0) return;
        const std::string asked = joined({subjects.begin(), subjects.end()});
        list_.add(
            "asked-of-hardware",
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
        for (const Variant& variant : list_.variants()) {
            const auto fields = list_.fields_with(variant.promises->withheld);
            if (fields.empty()) continue;
            causes[{variant.promises->kernel, fields}].insert(&variant);
        }
        for (const auto& [cause, variants] : causes) {
            const auto& [kernel, fields] = cause;
            const HostList found = list_.list_of(variants);
            list_.add("hidden-by-hypervisor",
                      "The CPU of " + enumerate(found) + " has " + std::to_string(fields.size()) +
                          (fields.size() == 1 ? " feature that " : " features that ") + document::offerer(kernel) +
                          " does not offer to guests: " + list_.ids_of(fields, most_named) +
                          ". A newer kernel or hypervisor, or another of their settings, may offer " +
                          (fields.size() == 1 ? "it." : "them."),
                      found);
        }
    }

    void report_foreign() {
        constexpr std::size_t most_named = 12;
        std::map<std::vector<FieldIndex>, VariantSet> causes;
        for (const Variant& variant : list_.variants()) {
            const auto fields = list_.fields_with(variant.promises->foreign);
            if (!fields.empty()) causes[fields].insert(&variant);
        }
        for (const auto& [fields, variants] : causes) {
            const HostList found = list_.list_of(variants);
            list_.add("views-contradict",
                      "The hypervisor's view of " + enumerate(found) + " gives guests " +
                          list_.ids_of(fields, most_named) +
                          ", which none of its CPUs has and no hypervisor makes: the view may be another host's. The "
                          "policy promises nothing of it.",
                      found);
        }
    }

    // One finding for all hosts whose dumps were taken without the permission for the same states.
    void report_unpermitted() {
        std::map<std::uint64_t, VariantSet> by_states;
        for (const Variant& variant : list_.variants()) {
            if (variant.promises->unpermitted != 0) by_states[variant.promises->unpermitted].insert(&variant);
        }
        for (const auto& [states, variants] : by_states) {
            std::vector<std::string> ids;
            std::set<FieldIndex> features;
            for (const XsaveComponent& component : list_.rulebook().xsave) {
                if (((states >> component.bit) & 1U) == 0) continue;
                ids.emplace_back(component.id);
                features.insert(component.features.begin(), component.features.end());
            }
            const HostList found = list_.list_of(variants);
            list_.add(
                "xsave-not-permitted",
                "The hypervisor's view of " + enumerate(found) + " has " +
                    list_.ids_of({features.begin(), features.end()}, features.size()) + " without the XSAVE states " +
                    joined(ids) +
                    ", which the CPU has: KVM leaves them out where the process that asks it has no permission to give "
                    "them to guests (arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM). Whether guests can have them is unknown, "
                    "and the policy promises nothing of them. poolcpuid capture asks for the permission.",
                found);
        }
    }

    FindingList& list_;
};

}  // namespace

void report_views(FindingList& list) { ViewFinder(list).run(); }

}  // namespace poolcpuid::merge
