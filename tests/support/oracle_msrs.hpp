// The oracle's part for what only MSRs have: rows that are there when they say something, the retpoline
// group, what VMX derives from the rest, the microcode revision, and bits of which a host's dump is silent.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/host_facts.hpp"
#include "tests/support/policy_values.hpp"

namespace poolcpuid::test {

inline std::string hex(std::uint64_t value) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
    return text.data();
}

class MsrOracle {
public:
    MsrOracle(const VendorRules& rules, const std::vector<Slot>& slots, const PolicyValues& values,
              const PoolPolicy& policy, const std::vector<const HostFacts*>& hosts)
        : rules_(rules), slots_(slots), values_(values), policy_(policy), hosts_(hosts) {}

    // Everything that is wrong with the policy's MSRs, beyond what each field promises by itself.
    std::vector<std::string> complaints() {
        check_rows();
        check_returns();
        check_vmx_derived();
        check_microcode();
        for (std::size_t i = 0; i < slots_.size(); ++i) check_silence(i);
        check_findings();
        return complaints_;
    }

private:
    void complain(const std::string& what) { complaints_.push_back(what); }

    // A row is there exactly when it says something, and only of bits that have a field.
    void check_rows() {
        if (values_.msrs().size() != policy_.msrs.size()) complain("an MSR has two rows");
        for (const RuleField& field : rules_.fields) {
            const bool must_be_there = field.is_msr && has_counted_bits(field.leaf);
            if (must_be_there && !values_.msrs().contains(field.leaf)) complain("no MSR " + hex(field.leaf));
        }
        for (const MsrRow& row : policy_.msrs) {
            if (row.value.value_or(0) == 0 && !has_counted_bits(row.index))
                complain("MSR " + hex(row.index) + " is offered, and is 0");
            std::uint64_t stray = row.value.value_or(0);
            for (const RuleField& field : rules_.fields) {
                if (field.is_msr && field.leaf == row.index) stray &= ~field.mask;
            }
            if (stray != 0) complain("MSR " + hex(row.index) + " has bits without a field: " + hex(stray));
        }
    }

    // It holds bits that another MSR counts, or is that other one, and the guest is told that both are there.
    bool has_counted_bits(std::uint32_t index) const {
        return std::any_of(rules_.fields.begin(), rules_.fields.end(), [&](const RuleField& field) {
            const RuleField* length = field.is_msr ? rules_.find(field.length_from) : nullptr;
            return length != nullptr && values_.present(length->gate) && (field.leaf == index || length->leaf == index);
        });
    }

    // RSBA or RRSBA of a pool in which returns are not safe everywhere: RRSBA with EIBRS, RSBA without.
    void check_returns() {
        if (rules_.retpoline.rsba.empty()) return;
        const bool safe = std::all_of(hosts_.begin(), hosts_.end(),
                                      [](const HostFacts* host) { return host->returns == Returns::safe; });
        const bool eibrs = values_.present(rules_.retpoline.eibrs);
        expect(rules_.retpoline.rsba, !safe && !eibrs);
        expect(rules_.retpoline.rrsba, !safe && eibrs);
        if (safe) return;
        const bool really = std::any_of(hosts_.begin(), hosts_.end(),
                                        [](const HostFacts* host) { return host->returns == Returns::bad; });
        for (const HostFacts* host : hosts_) {
            if (host->returns == Returns::unknown && !host->returns_by_microcode) expect_named(*host, "RSBA", !really);
        }
    }

    void expect(const std::string& id, bool set) {
        if (values_.present(id) != set) complain(id + (set ? " is not set" : " is set"));
    }

    // What VMX has that is computed from the rest of the policy; nothing without VMX.
    void check_vmx_derived() {
        for (const RuleField& field : rules_.fields) {
            if (!field.is_msr || field.rule != "derive") continue;
            const std::uint64_t shown = values_.value(field);
            const std::uint64_t expected = values_.speaks(field, 0) ? derived(field).value_or(shown) : 0;
            if (shown != expected) complain(field.id + " = " + hex(shown) + ", not " + hex(expected));
            if (!values_.present("vmx") && shown != 0) complain(field.id + " = " + hex(shown) + " without VMX");
        }
    }

    // Nothing when the rulebook does not say what the value is made of.
    std::optional<std::uint64_t> derived(const RuleField& field) const {
        const nlohmann::json& derive = field.derive;
        if (derive.contains("default1")) {
            const std::uint64_t from = values_.msr(hex_number(derive.at("from")));
            return from == 0 ? 0 : (from & field.mask) >> field.low | hex_number(derive.at("default1"));
        }
        if (derive.contains("bits")) {
            std::uint64_t value = 0;
            for (const auto& [bit, source] : derive.at("bits").items()) {
                if (any_present(source)) value |= std::uint64_t{1} << std::stoul(bit);
            }
            return value;
        }
        if (derive.contains("choices")) {
            for (const auto& choice : derive.at("choices")) {
                if (any_present(choice.at("if"))) return hex_number(choice.at("value"));
            }
            return hex_number(derive.at("else"));
        }
        return std::nullopt;
    }

    // source: a field, a list of fields, or "always".
    bool any_present(const nlohmann::json& source) const {
        if (!source.is_array()) return source == "always" || values_.present(source);
        return std::any_of(source.begin(), source.end(), [&](const nlohmann::json& id) { return values_.present(id); });
    }

    // The oldest revision of the hosts that have the policy's family, model and stepping.
    void check_microcode() {
        for (const RuleField& field : rules_.fields) {
            if (!field.of_identity) continue;
            const std::uint32_t signature = signature_bits(values_.row({1, 0}).eax);
            std::optional<std::uint64_t> oldest;
            bool known = true;
            for (const HostFacts* host : hosts_) {
                const auto own = host->microcode.find(signature);
                if (own == host->microcode.end()) continue;
                const std::optional<std::uint32_t>& revision = own->second;
                known = known && revision.has_value();
                if (revision) oldest = std::min<std::uint64_t>(oldest.value_or(*revision), *revision);
                if (revision || host->in_guest || host->signature != signature) continue;
                expect_named(*host, field.id, false);
            }
            const std::uint64_t expected = known ? oldest.value_or(0) : 0;
            const std::uint64_t shown = values_.value(field);
            if (shown != expected) complain(field.id + " = " + hex(shown) + ", not " + hex(expected));
        }
    }

    // Hosts whose dump is silent of what the policy could promise, or of bad news that it therefore shows.
    void check_silence(std::size_t i) {
        const RuleField& field = *slots_[i].field;
        if (!field.is_msr) return;
        // A format that is not known may have taken its gate with it: VMX goes with the VMCS revision.
        const bool costs_gate = field.rule == "equal" && values_.is_shown(field) && all_have(field.gate);
        if (!values_.speaks(field, 0) && !costs_gate) return;
        if (field.rule != "union" && field.rule != "guarded") {
            for (const HostFacts* host : hosts_) {
                if (host->unread[i]) expect_named(*host, field.id, false);
            }
            return;
        }
        const std::uint64_t shown = values_.value(field);
        std::uint64_t really = 0;
        for (const HostFacts* host : hosts_) really |= host->bad[i];
        for (const HostFacts* host : hosts_) {
            const std::uint64_t silent = shown & ~host->kept[i] & ~host->bad[i];
            if (silent == 0) continue;
            expect_named(*host, field.id, (silent & ~really) != 0);
            if (!is_called_unknown(*host, field)) complain(field.id + ": no decision calls " + host->name + " unknown");
        }
    }

    bool all_have(const std::string& id) const {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].field->id != id) continue;
            return std::all_of(hosts_.begin(), hosts_.end(), [&](const HostFacts* host) { return host->kept[i] != 0; });
        }
        return false;
    }

    static bool is_named(const std::vector<std::string>& names, const std::string& name) {
        return is_listed(names, name) || names.size() == most_names;  // a longer list is cut
    }

    // A finding says that the host's MSRs are not known: a warning where bad news is shown for no other reason.
    void expect_named(const HostFacts& host, const std::string& what, bool warns) {
        for (const Finding& finding : policy_.findings) {
            const bool fits = !warns || finding.severity == Severity::warning;
            const bool is_it = finding.code == "msrs-unknown" || finding.code == "msr-absent";
            if (is_it && fits && is_named(finding.hosts.names, host.name)) return;
        }
        complain(what + ": no finding" + (warns ? " of the level warning" : "") + " that the MSRs of " + host.name +
                 " are unknown");
    }

    // One finding a host, however many of its MSRs are not known; a warning has bad news for a reason.
    void check_findings() {
        std::set<std::string> named;
        for (const Finding& finding : policy_.findings) {
            if (finding.code != "msrs-unknown") continue;
            for (const std::string& name : finding.hosts.names) {
                if (!named.insert(name).second) complain("two findings say that the MSRs of " + name + " are unknown");
            }
            const auto is_warned = [&](const HostFacts* host) { return is_listed(finding.hosts.names, host->name); };
            const auto host = std::find_if(hosts_.begin(), hosts_.end(), is_warned);
            if (host == hosts_.end()) {
                complain("MSRs are unknown of a host that is not in the pool");
            } else if ((finding.severity == Severity::warning) != brings_bad_news(**host)) {
                complain("the level of the finding on the MSRs of " + (*host)->name + " is wrong");
            }
        }
    }

    // Whether the policy shows bad news of which the host's dump knows nothing.
    bool brings_bad_news(const HostFacts& host) const {
        const RetpolineRule& rule = rules_.retpoline;
        const bool shown = values_.present(rule.rsba) || values_.present(rule.rrsba);
        const bool is_unread = host.returns == Returns::unknown && !host.returns_by_microcode;
        if (is_unread && shown && !lacks_the_msr(host)) return true;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            const RuleField& field = *slots_[i].field;
            if (!field.is_msr || (field.rule != "union" && field.rule != "guarded") || !values_.speaks(field, 0))
                continue;
            if ((values_.value(field) & ~host.kept[i] & ~host.bad[i]) != 0) return true;
        }
        return false;
    }

    // The host has no such MSR: its silence is not the dump's, and has a finding of its own.
    bool lacks_the_msr(const HostFacts& host) const {
        return std::any_of(policy_.findings.begin(), policy_.findings.end(), [&](const Finding& finding) {
            return finding.code == "msr-absent" && is_named(finding.hosts.names, host.name);
        });
    }

    bool is_called_unknown(const HostFacts& host, const RuleField& field) const {
        for (const Decision& decision : policy_.decisions) {
            if (decision.field != field.id) continue;
            for (const ValueOfHosts& value : decision.values) {
                if (!value.value && is_named(value.hosts, host.name)) return true;
            }
        }
        return false;
    }

    const VendorRules& rules_;
    const std::vector<Slot>& slots_;
    const PolicyValues& values_;
    const PoolPolicy& policy_;
    const std::vector<const HostFacts*>& hosts_;
    std::vector<std::string> complaints_;
};

}  // namespace poolcpuid::test
