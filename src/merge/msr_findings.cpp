#include "merge/msr_findings.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/finding_code.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

// What one dump does not say, and what that costs the policy.
struct Silence {
    bool no_msrs = false;             // the view that capabilities come from holds none at all
    bool of_guests = false;           // and it is a hypervisor's
    bool absent = false;              // the host has no such MSR, which is no promise either
    bool is_virtual = false;          // and is a virtual machine
    std::set<std::uint32_t> indices;  // of the MSRs that matter to this policy
    std::set<FieldIndex> bad_news;    // shown, since it cannot be ruled out
    std::set<FieldIndex> unscrubbed;  // shown, since other hosts have it, and here VERW may do nothing

    friend auto operator<=>(const Silence&, const Silence&) = default;
};

class SilenceFinder {
public:
    explicit SilenceFinder(const DecisionInputs& inputs) : in_(inputs), rules_(inputs.draft.rules()) {}

    std::map<Silence, VariantSet> run() const {
        std::map<Silence, VariantSet> causes;
        for (const Variant& variant : in_.variants) {
            if (variant.is_ceiling) continue;
            for (const bool absent : {false, true}) {
                const Silence silence = silence_of(*variant.promises, absent);
                if (silence.indices.empty()) continue;
                causes[silence].insert(&variant);
            }
        }
        return causes;
    }

private:
    Silence silence_of(const promises::HostPromises& host, bool absent) const {
        Silence silence;
        silence.no_msrs = !host.has_msrs && !absent;
        silence.of_guests = silence.no_msrs && host.has_hypervisor_view;
        silence.absent = absent;
        silence.is_virtual = absent && host.silicon.is_virtual();
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rules_.rulebook()[index];
            const bool has_atom = promises::promises_by_bits(field.rule) || promises::promises_by_number(field.rule);
            if (!field.is_msr || !has_atom || in_.draft.is_out_of_sight(index)) continue;
            if (field.of_identity && !tells_identity(host)) continue;
            if (!is_unknown_msr(rules_, host, index, field.subleaf_first)) continue;
            const auto word = rules_.find_word(promises::place_of(field, field.subleaf_first));
            if ((word && host.absent[*word]) != absent) continue;
            silence.indices.insert(field.leaf);
            if (!rules_.is_inverted(index) || !in_.draft.present(index)) continue;
            (field.rule == Rule::guarded && is_had(index) ? silence.unscrubbed : silence.bad_news).insert(index);
        }
        return silence;
    }

    // A virtual machine's own tells nothing of a CPU.
    bool tells_identity(const promises::HostPromises& host) const {
        return host.leaf1_eax == in_.identity.promises->leaf1_eax && !host.silicon.is_virtual();
    }

    // Whether a host is known to have the bit.
    bool is_had(FieldIndex index) const {
        return std::any_of(in_.variants.begin(), in_.variants.end(), [&](const Variant& variant) {
            const promises::SeenValue seen =
                promises::seen_value(rules_, *variant.promises, index, rules_.rulebook()[index].subleaf_first);
            return !variant.is_ceiling && seen.known && seen.value != 0;
        });
    }

    const DecisionInputs& in_;
    const promises::VendorRules& rules_;
};

std::string joined(const Rulebook& rulebook, const std::set<FieldIndex>& fields) {
    std::string text;
    for (const FieldIndex index : fields) text += (text.empty() ? "" : ", ") + std::string(rulebook[index].id);
    return text;
}

std::string sentence(const Rulebook& rulebook, const Silence& silence, const HostList& hosts) {
    std::string indices;
    for (const std::uint32_t index : silence.indices) indices += (indices.empty() ? "" : ", ") + to_hex(index);
    if (silence.absent) {
        const char* settled =
            silence.is_virtual
                ? "The dump is of a virtual machine, whose model its hypervisor chose: take one of its host."
                : "Newer microcode may bring the MSR; a row in the model table settles it.";
        return "There is no MSR " + indices + " on " + enumerate(hosts) +
               ", and neither does the model table know: the policy sets " + joined(rulebook, silence.bad_news) +
               ", which cannot be ruled out. " + settled;
    }
    const std::string_view what =
        silence.of_guests
            ? " does not list the feature MSRs that its hypervisor gives to guests, so nothing is known of MSR "
        : silence.no_msrs ? " holds no feature MSRs, so nothing is known of MSR "
                          : " does not list MSR ";
    std::string text = "The dump of " + enumerate(hosts) + std::string(what) + indices +
                       ". Unknown is not zero: the policy promises nothing of that host there";
    if (!silence.bad_news.empty()) {
        text += ", and sets " + joined(rulebook, silence.bad_news) + ", which cannot be ruled out";
    }
    if (!silence.unscrubbed.empty()) {
        text += ". Guests run VERW for " + joined(rulebook, silence.unscrubbed) +
                ", which other hosts have, and whether it scrubs anything there is not known";
    }
    return text + ". A dump with its MSRs (poolcpuid capture, as root) settles it.";
}

bool is_listed(const promises::HostPromises& host, std::uint32_t index) {
    return host.has_msrs && find_msr(**host.msrs, index) != nullptr;
}

}  // namespace

bool is_unknown_msr(const promises::VendorRules& rules, const promises::HostPromises& host, FieldIndex index,
                    std::uint32_t subleaf) {
    const Field& field = rules.rulebook()[index];
    if (!field.is_msr || promises::seen_value(rules, host, index, subleaf).known) return false;
    const auto word = rules.find_word(promises::place_of(field, subleaf));
    // The dump says it, and a microcode that is not known decides whether that is so: a finding of its own.
    const std::uint64_t unknown = word ? host.unknown[*word] & field.mask() : 0;
    if (unknown != 0 && (unknown & ~host.by_microcode[*word]) == 0) return false;
    const bool is_made = word && (host.made[*word] & field.mask()) != 0;
    return !is_made || !(host.absent[*word] || is_listed(host, field.leaf));
}

void report_unknown_msrs(FindingList& list) {
    for (const auto& [silence, variants] : SilenceFinder(list.inputs()).run()) {
        const HostList hosts = list.list_of(variants);
        const Severity severity =
            silence.bad_news.empty() && silence.unscrubbed.empty() ? Severity::note : Severity::warning;
        std::string message = sentence(list.rulebook(), silence, hosts);
        if (silence.absent) {
            list.add_by_case(severity, "msr-absent", std::move(message), hosts);
        } else {
            list.add_by_case(severity, "msrs-unknown", std::move(message), hosts);
        }
    }
}

}  // namespace poolcpuid::merge
