#include "policy/reason.hpp"

#include <algorithm>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "policy/document_text.hpp"

namespace poolcpuid::document {

namespace {

class Writer {
public:
    enum class Hosts { named, left_out };

    Writer(const Rulebook& rulebook, const Decision& decision, FieldIndex field, Hosts hosts)
        : rulebook_(rulebook), decision_(decision), index_(field) {
        if (hosts == Hosts::named && decision.because.count > 0) {
            who_ = " (" + enumerate(decision.because) + ")";
        }
    }

    std::string what_happened() const {
        if (!decision_.state.empty()) return by_state();
        switch (decision_.cause) {
            case Cause::not_asked: return "Shown only when asked for with --show.";
            case Cause::ceiling: return is_present() ? "Bound by --ceiling." : "Withheld by --ceiling.";
            case Cause::hidden:
                return is_present() ? "Set by --hide, as a clear bit would promise." : "Hidden by --hide.";
            case Cause::set: return "Set by the operator.";
            case Cause::gate: return sentence("Says nothing without " + on());
            case Cause::equality: return by_equality();
            case Cause::duty:
                return sentence("Not every host allows what " + on() + " demands, which is the sum of the hosts'");
            case Cause::dependency: return sentence("Goes with " + on(), dependency_why());
            case Cause::xsave_state: return sentence("Its XSAVE state " + on() + " is not in the policy");
            case Cause::group: return by_group();
            default: return by_rule();
        }
    }

    std::string remarks() const {
        std::string text;
        for (const Remark& remark : decision_.remarks) {
            const std::string hosts = enumerate(remark.hosts);
            switch (remark.kind) {
                case Remark::Kind::modelled:
                    text += " On " + hosts + " the model table says what the silicon does, whatever the dump shows.";
                    break;
                case Remark::Kind::implied: text += implied_on(hosts); break;
                case Remark::Kind::withheld:
                    text += " The CPU of " + hosts + " has it, " + offerer(remark.kernel) + " does not offer it.";
                    break;
            }
        }
        return text;
    }

    std::string why() const { return index_ == no_field ? "" : " " + std::string(rulebook_[index_].why); }

private:
    bool is_by(Rule rule) const { return decision_.rule == to_string(rule); }

    std::string on() const {
        std::string text;
        for (const std::string& id : decision_.on) text += (text.empty() ? "" : " or ") + id;
        return text;
    }

    // A sentence with the hosts and, behind a colon, what the rulebook adds, which has its own full stop.
    std::string sentence(const std::string& words, std::string_view why = {}) const {
        return words + who_ + (why.empty() ? "." : ": " + std::string(why));
    }

    std::string by_equality() const {
        const EqualityGroup* group = nullptr;
        for (const EqualityGroup& each : rulebook_.equality) {
            if (decision_.on.size() == 1 && each.id == decision_.on.front()) group = &each;
        }
        const bool of_model = group != nullptr && group->of_model;
        return sentence("The hosts do not agree on " + on() + (of_model ? ", are of several CPU models" : "") +
                            ", or not all dumps say it",
                        group == nullptr ? std::string_view{} : group->why);
    }

    // Of the rulebook's dependency of the field on just these.
    std::string_view dependency_why() const {
        for (const Dependency& dependency : rulebook_.dependencies) {
            const auto& dependents = dependency.dependents;
            const bool is_its = std::find(dependents.begin(), dependents.end(), index_) != dependents.end();
            if (is_its &&
                std::equal(dependency.prerequisites.begin(), dependency.prerequisites.end(), decision_.on.begin(),
                           decision_.on.end(),
                           [&](FieldIndex field, const std::string& id) { return rulebook_[field].id == id; }))
                return dependency.why;
        }
        return {};
    }

    std::string by_state() const {
        if (is_present())
            return "The documented layout of the XSAVE state " + decision_.state + ", where a dump has none.";
        return sentence("The XSAVE state " + decision_.state + " is " + std::string(state_fate(decision_.cause)));
    }

    // RSBA under EIBRS is RRSBA, and the other way round.
    std::string by_group() const {
        const RetpolineBits* bits = rulebook_.retpoline_of(index_);
        if (bits == nullptr) return sentence("Shown as " + on());
        return sentence("Shown as " + on() + ", since the policy has " + (index_ == bits->rsba ? "" : "no ") +
                        std::string(rulebook_[bits->eibrs].id));
    }

    bool is_present() const { return decision_.value != 0; }

    std::string by_rule() const {
        std::uint64_t any = 0;
        bool unknown = false;
        bool known = false;
        bool all = true;
        for (const ValueOfHosts& value : decision_.values) {
            any |= value.value.value_or(0);
            (value.value ? known : unknown) = true;
            all = all && value.value == decision_.place.mask() >> decision_.place.low;
        }
        const std::string silent = unknown ? " What a dump does not say is not promised." : "";
        if (is_by(Rule::intersect)) {
            if (all) return "Every host keeps it.";
            if (any != 0) return sentence("Not every host has it") + silent;
            return sentence(unknown ? "No host is known to have it" : "No host offers it") + silent;
        }
        if (is_by(Rule::guarded) && decision_.value == 0 && decision_.scrubs == std::optional(false)) {
            return sentence("No host has it, and other bits tell a guest the same, which is not so on every host");
        }
        if (is_by(Rule::union_) || is_by(Rule::guarded)) {
            return sentence(any == 0 && unknown ? "Set, since not every dump rules it out"
                                                : "Set as soon as one host has it") +
                   silent;
        }
        if (is_by(Rule::group)) return of_group();
        const bool is_revision = index_ != no_field && rulebook_[index_].of_identity;
        if (is_revision) return sentence("The oldest of the hosts that have the policy's family, model and stepping");
        if (is_by(Rule::min)) return sentence(known ? "The smallest of the hosts" : "No dump says it") + silent;
        if (is_by(Rule::max)) return sentence(known ? "The largest of the hosts" : "No dump says it") + silent;
        if (is_by(Rule::equal)) return sentence("The hosts differ") + silent;
        if (is_by(Rule::identity)) return sentence("Taken whole from the host that lends the identity");
        if (is_by(Rule::hide)) return "Never shown to a guest in a pool.";
        if (is_by(Rule::owned)) return "Filled in by the VMM.";
        const bool is_constant = index_ != no_field && rulebook_[index_].derive.how == Derivation::constant;
        return is_constant ? "The same in every policy." : "Computed from the other fields.";
    }

    // Of a retpoline bit that goes by its own name.
    std::string of_group() const {
        if (rulebook_.retpoline_of(index_) == nullptr) return sentence("Not every host has it");
        if (!is_present()) return "No host has it.";
        return sentence("Set as soon as RET may be predicted from elsewhere on one host, or nobody knows");
    }

    std::string implied_on(const std::string& hosts) const {
        const FieldIndex by = index_ == no_field ? no_field : rulebook_[index_].implied_by.field;
        const std::string because = by == no_field ? "" : ", as " + std::string(rulebook_[by].id) + " is not there";
        return " A VM that brings it may run on " + hosts + " all the same" + because + ".";
    }

    const Rulebook& rulebook_;
    const Decision& decision_;
    FieldIndex index_;
    std::string who_;
};

}  // namespace

Cause cause_of(const Field& field) noexcept {
    if (field.rule == Rule::owned) return Cause::owned;
    if (field.exposure == Exposure::never || field.rule == Rule::hide) return Cause::never;
    if (field.rule == Rule::derive) return Cause::derived;
    return field.rule == Rule::identity ? Cause::identity : Cause::hosts;
}

std::string reason_of(const Rulebook& rulebook, const Decision& decision, FieldIndex field) {
    const Writer writer(rulebook, decision, field, Writer::Hosts::named);
    return writer.what_happened() + writer.remarks() + writer.why();
}

std::string what_happened(const Rulebook& rulebook, const Decision& decision) {
    const Writer writer(rulebook, decision, rulebook.find(decision.field), Writer::Hosts::left_out);
    return writer.what_happened() + writer.remarks();
}

std::string offerer(const std::string& kernel) {
    return kernel.empty() ? "its hypervisor" : "its kernel (" + kernel + ")";
}

std::string_view state_fate(Cause cause) noexcept {
    switch (cause) {
        case Cause::layout: return "laid out differently on the hosts";
        case Cause::xsave_state: return "kept out with another, which is not in the policy";
        case Cause::dependency: return "not needed by any feature of the policy";
        default: return "not on every host";
    }
}

}  // namespace poolcpuid::document
