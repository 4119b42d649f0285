#include "audit/advice.hpp"

#include <algorithm>
#include <utility>

#include "audit/catch_up.hpp"
#include "base/lists.hpp"

namespace poolcpuid::audit {

using rulebook::GuestPhrase;
using rulebook::GuestVulnerability;

Saying saying_of(const Conditions& guest, const GuestVulnerability& vulnerability) {
    Saying saying;
    if (guest.holds(vulnerability.affected, &saying.grounds) != Answer::yes) {
        saying.text = "Not affected";
        return saying;
    }
    for (const std::vector<GuestPhrase>& part : vulnerability.says) {
        for (const GuestPhrase& phrase : part) {
            if (!phrase.releases.has(guest.release())) continue;
            Grounds grounds;
            const bool holds = !phrase.condition || guest.holds(*phrase.condition, &grounds) == Answer::yes;
            // Of the parts after the first only what they say counts.
            if (phrase.belief) add_grounds(saying.grounds, grounds);
            if (!holds) continue;
            saying.text += phrase.text;
            if (phrase.belief) saying.belief = *phrase.belief;
            if (phrase.needs) saying.needs.push_back(&*phrase.needs);
            break;
        }
    }
    return saying;
}

namespace {

// What a host is for one belief.
AuditVerdict verdict_of(Belief belief, Answer affected, std::optional<Answer> effective) {
    if (affected == Answer::no) {
        const bool does_something = belief == Belief::mitigated || belief == Belief::vulnerable;
        return does_something ? AuditVerdict::needless : AuditVerdict::holds;
    }
    switch (belief) {
        case Belief::not_affected: return affected == Answer::yes ? AuditVerdict::falsely_safe : AuditVerdict::unknown;
        case Belief::mitigated: break;
        default: return affected == Answer::yes ? AuditVerdict::vulnerable : AuditVerdict::unknown;
    }
    if (effective == Answer::yes) return AuditVerdict::holds;
    return effective == Answer::no && affected == Answer::yes ? AuditVerdict::falsely_safe : AuditVerdict::unknown;
}

// True of what VERW is against: a guarded bit says that it scrubs.
bool is_guarded(const Rulebook& rulebook, const GuestVulnerability& vulnerability) {
    const auto is_of_guard = [&](const rulebook::GuestTerm& term) {
        const bool is_field = term.kind == rulebook::GuestTerm::Kind::field;
        return is_field && rulebook[rulebook.find(term.name)].rule == Rule::guarded;
    };
    return std::any_of(vulnerability.says.begin(), vulnerability.says.end(), [&](const auto& part) {
        return std::any_of(part.begin(), part.end(), [&](const GuestPhrase& phrase) {
            return phrase.needs && rulebook::any_term(*phrase.needs, is_of_guard);
        });
    });
}

bool is_good(AuditVerdict verdict) { return verdict == AuditVerdict::holds || verdict == AuditVerdict::needless; }

AuditHosts as_told_by(const Conditions& host, const GuestVulnerability& vulnerability, const Saying& saying) {
    AuditHosts answer;
    const auto& on_host = vulnerability.on_host ? *vulnerability.on_host : vulnerability.affected;
    answer.affected = host.holds(on_host, &answer.grounds);
    if (saying.belief == Belief::mitigated) {
        answer.effective = Answer::yes;
        for (const rulebook::GuestCondition* needs : saying.needs) {
            Grounds grounds;
            const Answer holds = host.holds(*needs, &grounds);
            if (holds != Answer::yes && answer.affected != Answer::no) add_grounds(answer.grounds, grounds);
            if (holds == Answer::no || *answer.effective == Answer::yes) answer.effective = holds;
        }
    }
    answer.verdict = verdict_of(saying.belief, answer.affected, answer.effective);
    return answer;
}

}  // namespace

// The family and model of a virtual machine prove nothing good of the silicon below; what is bad of them stays.
AuditHosts answer_on(const Conditions& host, const GuestVulnerability& vulnerability, const Saying& saying) {
    AuditHosts answer = as_told_by(host, vulnerability, saying);
    const bool is_doubtful = host.subject().is_virtual && is_good(answer.verdict);
    if (!is_doubtful || !is_guarded(host.rulebook(), vulnerability)) return answer;
    return as_told_by(host.without_signature(), vulnerability, saying);
}

namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

class Adviser {
public:
    explicit Adviser(const Case& subject) : case_(subject) {}

    std::vector<AuditAdvice> all() {
        const AuditVerdict verdict = case_.entry.verdict.value_or(AuditVerdict::holds);
        if (verdict == AuditVerdict::falsely_safe && case_.saying.belief == Belief::not_affected) let_it_know();
        if (verdict == AuditVerdict::falsely_safe && case_.saying.belief == Belief::mitigated) mend_hosts();
        if (case_.saying.belief == Belief::vulnerable) let_it_mitigate();
        if (verdict == AuditVerdict::vulnerable && case_.saying.belief == Belief::unknown) close_on_hosts();
        if (verdict >= AuditVerdict::vulnerable) newer_kernel();
        dumps();
        return std::move(advice_);
    }

private:
    Saying saying_with(Subject subject) const {
        return saying_of({case_.rulebook, case_.data, case_.guest.release(), std::move(subject)}, case_.vulnerability);
    }

    // Whether what a guest then says of a vulnerability is falsely safe on some host; fields: what the hosts have then.
    bool deceives(const Conditions& guest, const GuestVulnerability& vulnerability,
                  const std::vector<FieldIndex>& fields) const {
        const Saying then = saying_of(guest, vulnerability);
        return std::any_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& host) {
            Subject there = with(host.conditions.subject(), fields, Answer::yes);
            there.told = &guest;
            const Conditions conditions(case_.rulebook, case_.data, host.conditions.release(), std::move(there));
            return answer_on(conditions, vulnerability, then).verdict == AuditVerdict::falsely_safe;
        });
    }

    Conditions guest_like(Subject subject) const {
        return {case_.rulebook, case_.data, case_.guest.release(), std::move(subject)};
    }

    // Of this vulnerability.
    bool deceives(Subject guest, const std::vector<FieldIndex>& fields = {}) const {
        return deceives(guest_like(std::move(guest)), case_.vulnerability, fields);
    }

    std::vector<std::string> hosts_that_are(AuditVerdict verdict) const {
        std::vector<std::string> names;
        for (const AuditHosts& group : case_.entry.hosts) {
            if (group.verdict == verdict) names.insert(names.end(), group.hosts.begin(), group.hosts.end());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    // The guest does nothing: one bit more or less, or another identity, would tell it.
    void let_it_know() {
        const std::vector<std::string> hosts = hosts_that_are(AuditVerdict::falsely_safe);
        bool by_identity = false;
        for (const AuditGround& ground : case_.saying.grounds) {
            if (!ground.is_field) {
                by_identity = true;
                continue;
            }
            const bool is_set = ground.value == Answer::yes;
            const Subject guest =
                with(case_.guest.subject(), {case_.rulebook.find(ground.name)}, is_set ? Answer::no : Answer::yes);
            const Saying then = saying_with(guest);
            if (then.belief == Belief::not_affected || deceives(guest)) continue;
            const std::string how = is_set
                                        ? "Hide " + ground.name + " from the guest (merge --hide " + ground.name + ")"
                                        : how_to_tell(ground.name);
            if (how.empty()) continue;
            advice_.push_back(
                {AuditAdvice::By::option, how + ": it then says " + quoted(then.text) + ".", {ground.name}, hosts});
        }
        if (by_identity) another_identity(hosts);
    }

    // Bad news is told where one host has it, a promise where all do. Empty where no merge would tell it.
    std::string how_to_tell(const std::string& field) const {
        const FieldIndex index = case_.rulebook.find(field);
        if (case_.rulebook[index].rule != Rule::intersect) {
            return "Tell the guest of " + field + ", as a merge with these hosts in the pool does where one has it";
        }
        const bool all_have_it = std::all_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& host) {
            return host.conditions.subject().field(index) == Answer::yes;
        });
        return all_have_it ? "Tell the guest of " + field + ", which all of these hosts have" : "";
    }

    // Whether there is one.
    bool another_identity(const std::vector<std::string>& hosts) {
        std::vector<Signature> tried;
        for (const AuditedHost& host : case_.hosts) {
            const std::optional<Signature>& signature = host.conditions.subject().signature;
            if (!signature || !host.lends_identity || std::find(tried.begin(), tried.end(), *signature) != tried.end())
                continue;
            tried.push_back(*signature);
            Subject guest = case_.guest.subject();
            guest.signature = signature;
            const Saying then = saying_with(guest);
            const bool is_as_now = then.belief == case_.saying.belief && then.belief != Belief::mitigated;
            if (is_as_now || then.belief == Belief::not_affected || deceives(guest)) continue;
            advice_.push_back({AuditAdvice::By::identity,
                               "Give the guest the family and model of " + host.names.front() + " (merge --identity " +
                                   host.names.front() + "): it then says " + quoted(then.text) + "." + but_then(guest),
                               {},
                               hosts});
            return true;
        }
        return false;
    }

    // Of what a guest of another identity would be deceived, and is not now: no identity may be true of all hosts.
    std::string but_then(const Subject& subject) const {
        const Conditions guest = guest_like(subject);
        std::vector<std::string> others;
        for (const GuestVulnerability& other : case_.data.vulnerabilities) {
            if (deceives(guest, other, {}) && !deceives(case_.guest, other, {})) others.push_back(other.id);
        }
        if (others.empty()) return "";
        return " But then it is falsely safe from " + joined(others) + ": only other pools mend that.";
    }

    // The guest does what has no effect there.
    void mend_hosts() {
        if (tell_of_assumption() || update_others() || tell_of_field() || do_otherwise()) return;
        if (all_are_deceived() && tell_of_assumption(Belief::vulnerable)) return;
        for (const AuditHosts& group : case_.entry.hosts) {
            if (group.verdict != AuditVerdict::falsely_safe) continue;
            std::vector<std::string> fields;
            for (const AuditGround& ground : group.grounds) {
                // An immunity is nothing that anybody could bring to a CPU.
                if (!ground.is_field || ground.value != Answer::no || !is_mitigation(ground.name)) continue;
                if (would_do(group.hosts.front(), ground.name)) fields.push_back(ground.name);
            }
            std::sort(fields.begin(), fields.end());
            std::vector<std::string> late = group.hosts;
            std::vector<std::string> never =
                fields.empty() ? std::exchange(late, {}) : take_beyond_update(late, fields);
            if (!late.empty()) {
                advice_.push_back({source_of(fields),
                                   joined(fields) + are(fields) +
                                       " missing there: update the microcode, look at the firmware's settings" +
                                       (all_are_deceived() ? "." : ", or leave them out of the pool."),
                                   fields, std::move(late)});
            }
            if (!never.empty() && !another_identity(never)) leave_out(std::move(never));
        }
    }

    // What the guest does has no effect there, and nothing brings it to them.
    void leave_out(std::vector<std::string> hosts) {
        std::string text = all_are_deceived() ? "What the guest does has no effect on any of these hosts."
                                              : "Leave them out of the pool: what the guest does has no effect there.";
        advice_.push_back({AuditAdvice::By::host, text + instead(), {}, std::move(hosts)});
    }

    // The hosts that keep from the policy what would have an effect on all: a pool without them is one, too.
    std::string instead() const {
        for (const std::string& field : fields_asked_for()) {
            if (case_.guest.subject().field(case_.rulebook.find(field)) == Answer::yes) continue;
            const std::vector<std::string> lacking = hosts_without({field});
            if (lacking.empty() || lacking.size() == host_count() || !mitigates_with({field})) continue;
            constexpr std::size_t most = 4;
            return " Or mend or leave out " + short_list(lacking, most) + ", without " + field +
                   ": with it in the policy the guest says " + quoted(saying_with_fields({field}).text) + ".";
        }
        return "";
    }

    std::size_t host_count() const {
        std::size_t count = 0;
        for (const AuditedHost& host : case_.hosts) count += host.names.size();
        return count;
    }

    bool all_are_deceived() const { return hosts_that_are(AuditVerdict::falsely_safe).size() == host_count(); }

    static const char* are(const std::vector<std::string>& fields) { return fields.size() == 1 ? " is" : " are"; }
    static const char* it(const std::vector<std::string>& fields) { return fields.size() == 1 ? "it" : "them"; }

    // Hosts that lag behind others of their model may be what keeps others from being safe.
    bool update_others() {
        const std::optional<CatchUp> update = catch_up(case_);
        if (!update || update->says == case_.saying.text) return false;
        advice_.push_back({source_of(update->fields),
                           joined(update->fields) + are(update->fields) + " missing there; with " + it(update->fields) +
                               " in the policy the guest says " + quoted(update->says) + ".",
                           update->fields, update->hosts});
        return true;
    }

    // Fields for which the kernel asks before it does something else; those that its facts ask for where an update
    // brings them.
    std::vector<std::string> fields_asked_for() const {
        std::vector<std::string> fields;
        for (const std::vector<GuestPhrase>& part : case_.vulnerability.says) {
            for (const GuestPhrase& phrase : part) {
                if (!phrase.condition || !phrase.releases.has(case_.guest.release())) continue;
                for (const FieldIndex index :
                     fields_wanted(case_.rulebook, case_.data, case_.guest.release(), *phrase.condition)) {
                    const Field& field = case_.rulebook[index];
                    const bool is_brought = field.by_microcode && !field.mitigation.empty();
                    if (is_brought || asks_itself(*phrase.condition, field)) fields.emplace_back(field.id);
                }
            }
        }
        return fields;
    }

    static bool asks_itself(const rulebook::GuestCondition& condition, const Field& field) {
        return rulebook::any_term(condition, [&](const rulebook::GuestTerm& term) {
            return term.kind == rulebook::GuestTerm::Kind::field && !term.negated && term.name == field.id;
        });
    }

    // Something else would have an effect on all hosts, and only hosts that are deceived now lack the bit for it: they
    // are CPUs that could have it.
    bool do_otherwise() {
        const std::vector<std::string> deceived = hosts_that_are(AuditVerdict::falsely_safe);
        for (const std::string& field : fields_asked_for()) {
            if (case_.guest.subject().field(case_.rulebook.find(field)) == Answer::yes) continue;
            const std::vector<std::string> lacking = hosts_without({field});
            const bool can_have_it = std::includes(deceived.begin(), deceived.end(), lacking.begin(), lacking.end());
            if (!can_have_it || !mitigates_with({field})) continue;
            offer({field});
            return true;
        }
        return false;
    }

    bool is_mitigation(const std::string& field) const {
        return !case_.rulebook[case_.rulebook.find(field)].mitigation.empty();
    }

    // What the guest takes for so of its VM, and is otherwise: whether it would do what has an effect, were it told, or
    // would know at least that it is open.
    bool tell_of_assumption(Belief wanted = Belief::mitigated) {
        for (const GuestAssumption& assumption : case_.data.assumptions) {
            Subject guest = case_.guest.subject();
            if (std::find(guest.assumptions.begin(), guest.assumptions.end(), assumption.id) !=
                guest.assumptions.end()) {
                continue;
            }
            guest.assumptions.push_back(assumption.id);
            const Saying then = saying_with(guest);
            if (then.belief != wanted || deceives(guest)) continue;
            advice_.push_back({AuditAdvice::By::option,
                               "Set the VM up so that " + assumption.says + " (audit --assume " + assumption.id +
                                   "): it then says " + quoted(then.text) +
                                   (wanted == Belief::vulnerable ? ", and knows that it is open." : "."),
                               {},
                               hosts_that_are(AuditVerdict::falsely_safe)});
            return true;
        }
        return false;
    }

    // Fields of which a host asks whether the guest is told, and which it is not. By which name it is told of RSBA is
    // no option: the pool's enhanced IBRS decides.
    std::vector<std::string> fields_not_told() const {
        std::vector<std::string> fields;
        for (const rulebook::GuestCondition* needs : case_.saying.needs) {
            for (const auto& list : *needs) {
                for (const rulebook::GuestTerm& term : list) {
                    const bool asks = term.told && !term.negated && term.kind == rulebook::GuestTerm::Kind::field;
                    if (!asks) continue;
                    const FieldIndex field = case_.rulebook.find(term.name);
                    const bool is_told = case_.guest.subject().field(field) == Answer::yes;
                    if (is_told || case_.rulebook.retpoline_of(field) != nullptr) continue;
                    fields.push_back(term.name);
                }
            }
        }
        return fields;
    }

    // Whether the VMM there would leave an effect to what the guest does, were it told of a field.
    bool tell_of_field() {
        for (const std::string& field : fields_not_told()) {
            const Subject guest = with(case_.guest.subject(), {case_.rulebook.find(field)}, Answer::yes);
            const std::string how = how_to_tell(field);
            if (how.empty() || saying_with(guest).belief != Belief::mitigated || deceives(guest)) continue;
            advice_.push_back({AuditAdvice::By::option,
                               how + ": what it does then has an effect there.",
                               {field},
                               hosts_that_are(AuditVerdict::falsely_safe)});
            return true;
        }
        return false;
    }

    const AuditedHost& host_named(const std::string& name) const {
        return *std::find_if(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& host) {
            return std::binary_search(host.names.begin(), host.names.end(), name);
        });
    }

    // Takes out those to which no update brings what they lack of these: CPUs of before the leaf, or that it is not
    // for.
    std::vector<std::string> take_beyond_update(std::vector<std::string>& hosts,
                                                const std::vector<std::string>& fields) const {
        std::vector<std::string> beyond;
        std::vector<std::string> others;
        for (const std::string& name : hosts) {
            (is_beyond_update(host_named(name).conditions, fields) ? beyond : others).push_back(name);
        }
        hosts = std::move(others);
        return beyond;
    }

    bool is_beyond_update(const Conditions& host, const std::vector<std::string>& fields) const {
        return std::any_of(fields.begin(), fields.end(), [&](const std::string& id) {
            const FieldIndex field = case_.rulebook.find(id);
            if (!case_.rulebook[field].by_microcode || host.subject().field(field) != Answer::no) return false;
            return host.subject().is_beyond(field) || !is_for(host, case_.rulebook[field]);
        });
    }

    // Microcode brings a bit to CPUs with what it helps against, which may be another vulnerability than this one.
    bool is_for(const Conditions& host, const Field& field) const {
        constexpr VendorMask any_vendor = static_cast<VendorMask>(~VendorMask{0});
        bool is_known = false;
        for (const std::string& id : case_.rulebook.ids_mitigated_by(field, any_vendor)) {
            for (const GuestVulnerability& other : case_.data.vulnerabilities) {
                if (other.id != id) continue;
                is_known = true;
                if (answer_on(host, other, {}).affected != Answer::no) return true;
            }
        }
        return !is_known;
    }

    // Whether with that field what the guest does has an effect on the host.
    bool would_do(const std::string& host, const std::string& field) const {
        const Conditions& now = host_named(host).conditions;
        const Conditions then(case_.rulebook, case_.data, now.release(),
                              with(now.subject(), {case_.rulebook.find(field)}, Answer::yes));
        return std::all_of(case_.saying.needs.begin(), case_.saying.needs.end(),
                           [&](const auto* needs) { return then.holds(*needs) == Answer::yes; });
    }

    AuditAdvice::By source_of(const std::vector<std::string>& fields) const {
        const bool by_microcode = std::all_of(fields.begin(), fields.end(), [&](const std::string& id) {
            return case_.rulebook[case_.rulebook.find(id)].by_microcode;
        });
        return by_microcode ? AuditAdvice::By::microcode : AuditAdvice::By::host;
    }

    // The guest says that it is open: some bit would give it the means.
    void let_it_mitigate() {
        if (update_others()) return;
        std::vector<std::string> missing;
        for (const AuditGround& ground : case_.saying.grounds) {
            if (ground.is_field && ground.value == Answer::no) missing.push_back(ground.name);
        }
        std::vector<std::vector<std::string>> means;
        for (const std::string& field : missing) {
            if (mitigates_with({field})) means.push_back({field});
        }
        if (means.empty() && !missing.empty() && mitigates_with(missing)) means.push_back(missing);
        if (means.empty()) return;
        // That which fewest hosts lack; of equals the one for which the kernel asks first.
        offer(*std::min_element(means.begin(), means.end(), [&](const auto& one, const auto& other) {
            return hosts_without(one).size() < hosts_without(other).size();
        }));
    }

    // Whether the policy's bit depends on that host: a guarded one is for hosts that are affected alone.
    bool decides(const AuditedHost& host, FieldIndex field) const {
        return case_.rulebook[field].rule != Rule::guarded ||
               answer_on(host.conditions, case_.vulnerability, case_.saying).affected != Answer::no;
    }

    // Hosts that keep some of these fields from the policy, of which which(subject, field) is true.
    template <typename Which>
    std::vector<std::string> hosts_where(const std::vector<std::string>& fields, const Which& which) const {
        std::vector<std::string> names;
        for (const AuditedHost& host : case_.hosts) {
            const bool is_one = std::any_of(fields.begin(), fields.end(), [&](const std::string& id) {
                const FieldIndex field = case_.rulebook.find(id);
                return which(host.conditions.subject(), field) && decides(host, field);
            });
            if (is_one) names.insert(names.end(), host.names.begin(), host.names.end());
        }
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());  // of several kinds of CPU
        return names;
    }

    std::vector<std::string> hosts_without(const std::vector<std::string>& fields) const {
        return hosts_where(fields,
                           [](const Subject& host, FieldIndex field) { return host.field(field) == Answer::no; });
    }

    // Their dumps do not say.
    std::vector<std::string> hosts_silent_on(const std::vector<std::string>& fields) const {
        return hosts_where(fields, [](const Subject& host, FieldIndex field) { return host.is_unsaid(field); });
    }

    std::vector<FieldIndex> indices_of(const std::vector<std::string>& fields) const {
        std::vector<FieldIndex> indices;
        for (const std::string& field : fields) indices.push_back(case_.rulebook.find(field));
        return indices;
    }

    Saying saying_with_fields(const std::vector<std::string>& fields) const {
        return saying_with(with(case_.guest.subject(), indices_of(fields), Answer::yes));
    }

    // Whether the guest mitigates with these, and is not deceived where the hosts have them.
    bool mitigates_with(const std::vector<std::string>& fields) const {
        const std::vector<FieldIndex> indices = indices_of(fields);
        return saying_with_fields(fields).belief == Belief::mitigated &&
               !deceives(with(case_.guest.subject(), indices, Answer::yes), indices);
    }

    // Fields with which the guest would mitigate.
    void offer(std::vector<std::string> fields) {
        std::sort(fields.begin(), fields.end());
        const std::string then = "in the policy the guest says " + quoted(saying_with_fields(fields).text) + ".";
        if (case_.hosts.empty()) {
            advice_.push_back({AuditAdvice::By::option, "With " + joined(fields) + " " + then, fields, {}});
            return;
        }
        const std::string all = joined(fields) + are(fields);
        std::vector<std::string> lacking = hosts_without(fields);
        std::vector<std::string> silent = hosts_silent_on(fields);
        std::erase_if(
            silent, [&](const std::string& host) { return std::binary_search(lacking.begin(), lacking.end(), host); });
        const bool is_on_all = lacking.empty() && silent.empty();
        const std::vector<std::string> beyond = take_beyond_update(lacking, fields);
        const auto add = [&](AuditAdvice::By by, const std::string& what, std::vector<std::string> hosts) {
            advice_.push_back({by, all + what + "; with " + it(fields) + " " + then, fields, std::move(hosts)});
        };
        if (!lacking.empty()) add(source_of(fields), " missing there", std::move(lacking));
        if (!beyond.empty() && beyond.size() < host_count()) {
            add(AuditAdvice::By::host,
                " missing there, and no microcode brings it to such CPUs: leave them out of the pool", beyond);
        }
        if (!silent.empty()) {
            add(AuditAdvice::By::dump,
                " not known there: capture the hosts again, as root and with /dev/kvm, and merge them again",
                std::move(silent));
        }
        if (is_on_all) {
            add(AuditAdvice::By::option,
                " missing on none of these hosts: poolcpuid explain says what keeps it from the policy, an option "
                "(--hide, --ceiling) or dumps without the view that /dev/kvm gives",
                {});
        }
    }

    // The guest leaves it to the host, which does not do it.
    void close_on_hosts() {
        if (another_identity(hosts_that_are(AuditVerdict::vulnerable))) return;
        advice_.push_back({AuditAdvice::By::microcode,
                           "Update the microcode there: the guest cannot do anything, and says so.",
                           {},
                           hosts_that_are(AuditVerdict::vulnerable)});
    }

    void newer_kernel() {
        for (auto kernel = case_.data.kernels.rbegin(); kernel != case_.data.kernels.rend(); ++kernel) {
            if (kernel->release <= case_.guest.release()) return;
            const Conditions newer(case_.rulebook, case_.data, kernel->release, case_.guest.subject());
            const Saying then = saying_of(newer, case_.vulnerability);
            if (then.text == case_.saying.text || then.belief == Belief::not_affected) continue;
            advice_.push_back({AuditAdvice::By::kernel, kernel->name + " says " + quoted(then.text) + ".", {}, {}});
            return;
        }
    }

    bool are_virtual(const std::vector<std::string>& hosts) const {
        return std::all_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
            return std::any_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& other) {
                return other.conditions.subject().is_virtual &&
                       std::binary_search(other.names.begin(), other.names.end(), host);
            });
        });
    }

    void dumps() {
        for (const AuditHosts& group : case_.entry.hosts) {
            if (group.verdict != AuditVerdict::unknown) continue;
            if (is_guarded(case_.rulebook, case_.vulnerability) && are_virtual(group.hosts)) {
                advice_.push_back({AuditAdvice::By::dump,
                                   "These dumps are of virtual machines, whose family and model their hypervisors "
                                   "chose: take dumps of their hosts.",
                                   {},
                                   group.hosts});
                continue;
            }
            std::vector<std::string> fields;
            for (const AuditGround& ground : group.grounds) {
                if (ground.is_field && ground.value == Answer::unknown) fields.push_back(ground.name);
            }
            std::sort(fields.begin(), fields.end());
            if (fields.empty()) continue;
            advice_.push_back({AuditAdvice::By::dump,
                               "These dumps do not say " + joined(fields) +
                                   ": capture the hosts again, with their MSRs and their microcode.",
                               fields, group.hosts});
        }
    }

    const Case& case_;
    std::vector<AuditAdvice> advice_;
};

}  // namespace

std::vector<AuditAdvice> advice_for(const Case& subject) { return Adviser(subject).all(); }

}  // namespace poolcpuid::audit
