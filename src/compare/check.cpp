#include "poolcpuid/check.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "compare/breach.hpp"
#include "compare/order.hpp"
#include "compare/undecided.hpp"
#include "poolcpuid/error.hpp"
#include "promises/openness.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid {

using compare::BrokenAtom;
using promises::HostPromises;
using promises::VendorRules;

struct PolicyCheck::Impl {
    std::string vendor;
    VendorRules rules;
    HostPromises promised;

    Impl(const Rulebook& rulebook, const PoolPolicy& policy)
        : vendor(policy.vendor),
          rules(VendorRules::of(rulebook, policy)),
          promised(promises::promises_of(rules, policy)) {}

    // A word's promises in a view, or nothing when there is no such view.
    using Words = std::vector<std::uint64_t>;

    bool keeps(const Words& words, const BrokenAtom& atom) const {
        const Field& field = rules.rulebook()[atom.field];
        const auto word = rules.find_word(promises::place_of(field, atom.subleaf));
        return word && *word < words.size() && (words[*word] & field.mask()) == field.mask();
    }

    compare::Circumstances circumstances(const BrokenAtom& atom, const HostPromises& host) const {
        compare::Circumstances result;
        result.only_hypervisor_view = !host.has_hardware_view;
        result.taken_in = host.silicon.taken_in;
        if (atom.kind != compare::AtomKind::bits) return result;
        result.other_name_of_bad = rules.retpoline_of(atom.field) != nullptr;
        result.withheld = is_withheld(rules, host, atom.field, atom.subleaf);
        result.kernel = host.kernel;
        result.hidden_by_view = rules.is_inverted(atom.field) && keeps(host.offered, atom);
        const Field& field = rules.rulebook()[atom.field];
        result.never_made = field.made.where.empty() && promises::is_known_open(rules, host, field.made.model);
        result.never_brought = promises::is_known_open(rules, host, field.brought_to);
        return result;
    }

    void judge(const HostPromises& host, Verdict& verdict) const {
        std::vector<Violation> violations;
        for (const BrokenAtom& atom : compare::broken_atoms(rules, promised, host)) {
            compare::Circumstances known = circumstances(atom, host);
            known.is_policy = verdict.is_policy;
            violations.push_back(compare::describe(rules, atom, known));
        }
        const auto key = [](const Violation& v) { return std::tie(v.place, v.field, v.breach); };
        std::sort(violations.begin(), violations.end(),
                  [&](const Violation& a, const Violation& b) { return key(a) < key(b); });
        verdict.violations = std::move(violations);
    }

    // The value that the policy's registers show, without bits beyond its length, which are reserved.
    std::uint64_t shown(FieldIndex index, std::uint32_t subleaf) const {
        constexpr bool only_listed = true;
        const promises::ViewReader registers(rules, *promised.table, *promised.msrs, only_listed);
        const Field& field = rules.rulebook()[index];
        const std::uint64_t value = registers.field(field, subleaf).value_or(0);
        if (field.length_from == no_field) return value;
        const Field& length = rules.rulebook()[field.length_from];
        return value & bits_below(registers.field(length, length.subleaf_first).value_or(0));
    }

    // What the policy shows and the host's VMM does not, be it bad news or implied, and MSRs that it must offer.
    std::vector<StartUp> start_up_on(const HostPromises& host) const {
        std::vector<StartUp> start_up;
        for (const FieldIndex index : rules.fields()) {
            const Field& field = rules.rulebook()[index];
            const bool offers_msr = field.derive.how == Derivation::msr_offered;
            if (!rules.is_inverted(index) && !field.implied_by.negated && !offers_msr) continue;
            for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
                const std::uint64_t value = shown(index, subleaf);
                const bool hidden = offers_msr ? lacks_bit(host, field) : hides(host, index, subleaf, value);
                if (value == 0 || !hidden) continue;
                start_up.push_back(
                    {std::string(field.id), field.place(subleaf), to_hex(value),
                     offers_msr ? "The policy offers MSR " + to_hex(field.derive.msr) +
                                      ", which the VMM must give to the guest though the CPU does not show it."
                                : "The policy shows it, and what this host offers to guests by itself does not: its "
                                  "VMM must be "
                                  "told to show it."});
            }
        }
        return start_up;
    }

    bool lacks_bit(const HostPromises& host, const Field& field) const {
        const auto value = promises::field_value(*host.offered_table, field, field.subleaf_first);
        return value && *value == 0;
    }

    // True when the view that guests are made from has a bit clear that the policy shows.
    bool hides(const HostPromises& host, FieldIndex index, std::uint32_t subleaf, std::uint64_t value) const {
        const Field& field = rules.rulebook()[index];
        const auto word = rules.find_word(promises::place_of(field, subleaf));
        if (!word) return false;
        const std::uint64_t hidden = rules.is_inverted(index) ? host.offered[*word] : host.implied[*word];
        return (hidden & (value << field.low)) != 0;
    }
};

std::string_view to_string(Breach breach) noexcept { return breach == Breach::lost ? "lost" : "not-told"; }

std::string_view to_string(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::runs: return "runs";
        case Outcome::runs_degraded: return "runs-degraded";
        case Outcome::must_not_run: break;
    }
    return "must-not-run";
}

Outcome Verdict::outcome(UnknownIs unknown) const noexcept {
    Outcome worst = Outcome::runs;
    for (const Violation& violation : violations) {
        if (!violation.counts(unknown)) continue;
        worst = std::max(worst, only_degrades(violation.impact) ? Outcome::runs_degraded : Outcome::must_not_run);
    }
    return worst;
}

bool Verdict::compatible(Strictness strictness) const noexcept {
    return outcome(strictness.unknown) <= (strictness.degraded_fails ? Outcome::runs : Outcome::runs_degraded);
}

PolicyCheck::PolicyCheck(const Rulebook& rulebook, const PoolPolicy& policy)
    : impl_(std::make_unique<const Impl>(rulebook, policy)) {}

PolicyCheck::PolicyCheck(PolicyCheck&& other) noexcept = default;
PolicyCheck& PolicyCheck::operator=(PolicyCheck&& other) noexcept = default;
PolicyCheck::~PolicyCheck() = default;

Verdict PolicyCheck::against(const HostDump& host) const {
    Verdict verdict{host.name, sha256_of(host), false, {}, {}};
    const std::string vendor = vendor_string(host.first_table()).value_or("");
    if (vendor != impl_->vendor) {
        verdict.violations = std::vector{compare::vendor_violation(impl_->vendor, vendor)};
        return verdict;
    }
    const HostPromises promises = promises::promises_of(impl_->rules, host);
    impl_->judge(promises, verdict);
    verdict.start_up = impl_->start_up_on(promises);
    return verdict;
}

Verdict PolicyCheck::against(const PoolPolicy& other) const {
    Verdict verdict{other.pool, sha256_of(other), true, {}, {}};
    if (other.vendor != impl_->vendor) {
        verdict.violations = std::vector{compare::vendor_violation(impl_->vendor, other.vendor)};
        return verdict;
    }
    HostPromises promises = promises::promises_of(impl_->rules, other);
    compare::mark_undecided(impl_->rules, other, promises);
    impl_->judge(promises, verdict);
    return verdict;
}

}  // namespace poolcpuid
