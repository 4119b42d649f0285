#include "merge/layout_findings.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "policy/document_text.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

class LayoutFinder {
public:
    explicit LayoutFinder(FindingList& list) : list_(list) {}

    void run() { report_layouts(); }

private:
    void report_layouts() {
        for (const XsaveComponent& component : list_.rulebook().xsave) {
            const auto found = list_.hosts([&](const promises::HostPromises& host) {
                const auto& list = host.documented_layout;
                return std::find(list.begin(), list.end(), component.bit) != list.end() &&
                       host.atoms.components[component.bit].promised;
            });
            if (found.count > 0 && ((list_.draft().kept_components() >> component.bit) & 1U) != 0) {
                list_.add("xsave-layout-documented",
                          "The dump of " + enumerate(found) + " does not give the layout of the XSAVE state " +
                              std::string(component.id) + "; the vendor's documented layout was taken.",
                          found);
            }
            report_conflict(component);
            report_uneven(component);
        }
    }

    void report_uneven(const XsaveComponent& component) {
        const auto found = list_.hosts(
            [&](const promises::HostPromises& host) { return ((host.uneven_layouts >> component.bit) & 1U) != 0; });
        if (found.count == 0 || !would_be_used(component)) return;
        list_.add("cpus-differ",
                  "The logical CPUs of " + enumerate(found) + " lay out the XSAVE state " + std::string(component.id) +
                      " differently, so it and what needs it are not in the policy.",
                  found);
    }

    void report_conflict(const XsaveComponent& component) {
        std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, VariantSet> layouts;
        for (const Variant& variant : list_.variants()) {
            const promises::Component& atom = variant.promises->atoms.components[component.bit];
            if (!atom.promised) return;  // a host without the component is no conflict
            layouts[{atom.offset, atom.size, atom.align64}].insert(&variant);
        }
        if (layouts.size() < 2 || !would_be_used(component)) return;
        std::string text;
        HostList all;
        for (const auto& [layout, variants] : layouts) {
            const HostList found = list_.list_of(variants);
            const auto& [offset, size, align] = layout;
            text += (text.empty() ? "" : "; ") + std::to_string(size) + " bytes at " + std::to_string(offset) +
                    (align ? ", aligned," : "") + " on " + enumerate(found);
            all.add(found, list_.inputs().most_names);
        }
        list_.add("xsave-layout-conflict",
                  "The hosts lay out the XSAVE state " + std::string(component.id) + " differently (" + text +
                      "), so it and what needs it are not in the policy.",
                  all);
    }

    // Whether every host has a feature that needs the state: else it would not be in the policy anyway.
    bool would_be_used(const XsaveComponent& component) const {
        return std::any_of(component.features.begin(), component.features.end(), [&](FieldIndex index) {
            return std::all_of(list_.variants().begin(), list_.variants().end(),
                               [&](const Variant& variant) { return list_.brings(variant, index); });
        });
    }

    FindingList& list_;
};

}  // namespace

void report_layouts(FindingList& list) { LayoutFinder(list).run(); }

}  // namespace poolcpuid::merge
