#include "audit/advice.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "audit/catch_up.hpp"
#include "audit/host_lists.hpp"
#include "audit/trial.hpp"
#include "base/lists.hpp"

namespace poolcpuid::audit {

using rulebook::GuestPhrase;

namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

class Adviser {
public:
    explicit Adviser(const Case& subject) : case_(subject), trial_(subject), hosts_(subject) {}

    std::vector<AuditAdvice> all() {
        const AuditVerdict verdict = case_.entry.verdict.value_or(AuditVerdict::holds);
        if (verdict >= AuditVerdict::vulnerable && merge_again()) return std::move(advice_);
        if (verdict == AuditVerdict::falsely_safe && case_.saying.belief == Belief::not_affected) let_it_know();
        if (verdict == AuditVerdict::falsely_safe && case_.saying.belief == Belief::mitigated) mend_hosts();
        // Where no host is affected nothing is missing: what guards them is decided by none.
        if (case_.saying.belief == Belief::vulnerable && verdict != AuditVerdict::needless) let_it_mitigate();
        if (verdict == AuditVerdict::vulnerable && case_.saying.belief == Belief::unknown) close_on_hosts();
        if (verdict >= AuditVerdict::vulnerable) newer_kernel();
        const bool does_nothing = case_.saying.belief == Belief::not_affected;
        if (verdict == AuditVerdict::falsely_safe && does_nothing && advice_.empty()) {
            leave_out(hosts_.that_are(AuditVerdict::falsely_safe));
        }
        dumps();
        return std::move(advice_);
    }

private:
    // The policy is older than the dumps: what is made of them today may settle it.
    bool merge_again() {
        if (case_.again == nullptr) return false;
        const Subject& guest = case_.again->subject();
        const Saying then = trial_.saying_with(guest);
        const std::vector<std::string> now = trial_.open_hosts(case_.guest.subject());
        const std::vector<std::string> open = trial_.open_hosts(guest);
        if (open.size() >= now.size()) return false;
        constexpr std::size_t most = 4;
        const std::string but = open.empty() ? "." : ", which does not help on " + short_list(open, most) + ".";
        advice_.push_back({AuditAdvice::By::option,
                           "Merge these hosts again, and restart the guests with that policy: this one is not what "
                           "their dumps say now. The guest then says " +
                               quoted(then.text) + but,
                           {},
                           now});
        return true;
    }

    // The guest does nothing: one bit more or less, or another identity, would tell it.
    void let_it_know() {
        const std::vector<std::string> hosts = hosts_.that_are(AuditVerdict::falsely_safe);
        bool by_identity = false;
        for (const AuditGround& ground : case_.saying.grounds) {
            if (!ground.is_field) {
                by_identity = true;
                continue;
            }
            const bool is_set = ground.value == Answer::yes;
            const Subject guest =
                with(case_.guest.subject(), {case_.rulebook.find(ground.name)}, is_set ? Answer::no : Answer::yes);
            const Saying then = trial_.saying_with(guest);
            if (then.belief == Belief::not_affected || trial_.deceives(guest)) continue;
            const std::string how = is_set
                                        ? "Hide " + ground.name + " from the guest (merge --hide " + ground.name + ")"
                                        : how_to_tell(ground.name);
            if (how.empty()) continue;
            advice_.push_back(
                {AuditAdvice::By::option, how + ": it then says " + quoted(then.text) + ".", {ground.name}, hosts});
        }
        bring(hosts);
        if (by_identity) another_identity(hosts, !advice_.empty());
    }

    // What microcode brings to them, so that they are not affected, or the guest is told what to do.
    void bring(const std::vector<std::string>& hosts) {
        const std::optional<Remedy> remedy = remedy_for(case_, case_.guest, case_.vulnerability);
        if (!remedy) return;
        if (remedy->is_told) {
            offer({remedy->field});
        } else {
            missing_there({remedy->field}, hosts);
        }
    }

    void missing_there(const std::vector<std::string>& fields, std::vector<std::string> hosts) {
        advice_.push_back({source_of(fields),
                           joined(fields) + are(fields) +
                               " missing there: update the microcode, look at the firmware's settings" +
                               (hosts_.all_are_deceived() ? "." : ", or leave them out of the pool."),
                           fields, std::move(hosts)});
    }

    // Bad news is told where one host has it, a promise where all do. Empty where no merge would tell it.
    std::string how_to_tell(const std::string& field) const {
        const FieldIndex index = case_.rulebook.find(field);
        if (case_.rulebook[index].rule != Rule::intersect) {
            return "Tell the guest of " + field + ", as a merge with these hosts in the pool does where one has it";
        }
        const bool all_have_it = std::all_of(case_.hosts.begin(), case_.hosts.end(), [&](const AuditedHost& host) {
            const Subject& subject = host.conditions.subject();
            return subject.field(index) == Answer::yes && !subject.is_withheld(index);
        });
        return all_have_it ? "Tell the guest of " + field + ", which all of these hosts have" : "";
    }

    // Whether there is one. has_other_way: there is something else that mends it.
    bool another_identity(const std::vector<std::string>& hosts, bool has_other_way = false) {
        std::vector<Signature> tried;
        for (const AuditedHost& host : case_.hosts) {
            const std::optional<Signature>& signature = host.conditions.subject().signature;
            if (!signature || !host.lends_identity || std::find(tried.begin(), tried.end(), *signature) != tried.end())
                continue;
            tried.push_back(*signature);
            Subject guest = case_.guest.subject();
            guest.signature = signature;
            const Saying then = trial_.saying_with(guest);
            const bool is_as_now = then.belief == case_.saying.belief && then.belief != Belief::mitigated;
            if (is_as_now || then.belief == Belief::not_affected || trial_.deceives(guest)) continue;
            advice_.push_back({AuditAdvice::By::identity,
                               "Give the guest the family and model of " + host.names.front() + " (merge --identity " +
                                   host.names.front() + "): it then says " + quoted(then.text) + "." +
                                   but_then(guest, has_other_way || then.belief == Belief::unknown),
                               {},
                               hosts});
            return true;
        }
        return false;
    }

    // Of what a guest of another identity would be deceived, and is not now: no identity may be true of all hosts.
    // has_other_way: than that identity; what a guest leaves to its host the host closes.
    std::string but_then(const Subject& guest, bool has_other_way) const {
        const Conditions then = trial_.guest_like(guest);
        std::vector<std::string> others;
        bool has_remedies = true;
        for (const rulebook::GuestVulnerability* other : trial_.newly_deceived(guest)) {
            others.push_back(other->id);
            has_remedies = has_remedies && remedy_for(case_, then, *other);
        }
        if (others.empty()) return "";
        return " But then it is falsely safe from " + joined(others) +
               (has_other_way || has_remedies ? "." : ": only other pools mend that.");
    }

    // The guest does what has no effect there.
    void mend_hosts() {
        if (tell_of_assumption() || update_others() || tell_of_field() || do_otherwise()) return;
        if (hosts_.all_are_deceived() && tell_of_assumption(Belief::vulnerable)) return;
        for (const AuditHosts& group : case_.entry.hosts) {
            if (group.verdict != AuditVerdict::falsely_safe) continue;
            std::vector<std::string> fields;
            for (const AuditGround& ground : group.grounds) {
                // An immunity is nothing that anybody could bring to a CPU.
                const bool is_missing = ground.is_field && !ground.is_told && ground.value == Answer::no;
                if (!is_missing || !is_mitigation(ground.name) || is_made_of_own(ground.name)) continue;
                if (trial_.would_do(hosts_.conditions_of(group.hosts.front()), ground.name))
                    fields.push_back(ground.name);
            }
            keep_those_that_come(group.hosts.front(), fields);
            std::sort(fields.begin(), fields.end());
            std::vector<std::string> late = group.hosts;
            std::vector<std::string> never =
                fields.empty() ? std::exchange(late, {}) : hosts_.take_beyond_update(late, fields);
            if (!late.empty()) {
                missing_there(fields, std::move(late));
            }
            if (!never.empty() && !another_identity(never)) leave_out(std::move(never));
        }
    }

    // Of several fields, each of which would do, those that an update may bring to the host; all where it brings none.
    void keep_those_that_come(const std::string& host, std::vector<std::string>& fields) const {
        std::vector<std::string> coming = fields;
        std::erase_if(coming, [&](const std::string& field) {
            return hosts_.is_beyond_update(hosts_.conditions_of(host), {field});
        });
        if (!coming.empty()) fields = std::move(coming);
    }

    // What the guest does has no effect there, and nothing brings it to them.
    void leave_out(std::vector<std::string> hosts) {
        const bool does_nothing = case_.saying.belief == Belief::not_affected;
        std::string text = does_nothing ? "the guest does nothing there." : "what the guest does has no effect there.";
        if (hosts_.all_are_deceived()) {
            text = does_nothing ? "The guest does nothing, and all of these hosts are affected."
                                : "What the guest does has no effect on any of these hosts.";
        } else {
            text = "Leave them out of the pool: " + text;
        }
        advice_.push_back({AuditAdvice::By::host, text + instead(), {}, std::move(hosts)});
    }

    // The hosts that keep from the policy what would have an effect on all: a pool without them is one, too.
    std::string instead() const {
        for (const std::string& field : fields_asked_for()) {
            if (case_.guest.subject().field(case_.rulebook.find(field)) == Answer::yes) continue;
            const std::vector<std::string> lacking = hosts_.keeping_out({field});
            if (lacking.empty() || lacking.size() == hosts_.count() || !trial_.mitigates_with({field})) continue;
            constexpr std::size_t most = 4;
            return " Or mend or leave out " + short_list(lacking, most) + ", without " + field +
                   ": with it in the policy the guest says " + quoted(trial_.saying_with({field}).text) + ".";
        }
        return "";
    }

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
                    const bool is_wanted = is_brought || asks_itself(*phrase.condition, field);
                    if (is_wanted && !is_made_of_own(std::string(field.id))) fields.emplace_back(field.id);
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
        const std::vector<std::string> deceived = hosts_.that_are(AuditVerdict::falsely_safe);
        for (const std::string& field : fields_asked_for()) {
            if (case_.guest.subject().field(case_.rulebook.find(field)) == Answer::yes) continue;
            const std::vector<std::string> lacking = hosts_.without({field});
            const bool can_have_it = std::includes(deceived.begin(), deceived.end(), lacking.begin(), lacking.end()) &&
                                     std::none_of(lacking.begin(), lacking.end(), [&](const std::string& host) {
                                         return hosts_.is_beyond_update(hosts_.conditions_of(host), {field});
                                     });
            if (!can_have_it || !trial_.mitigates_with({field})) continue;
            offer({field});
            return true;
        }
        return false;
    }

    bool is_made_of_own(const std::string& field) const {
        return audit::is_made_of_own(case_.rulebook, case_.guest.subject().vendor, case_.rulebook.find(field));
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
            const Saying then = trial_.saying_with(guest);
            if (then.belief != wanted || trial_.deceives(guest)) continue;
            advice_.push_back({AuditAdvice::By::option,
                               "Set the VM up so that " + assumption.says + " (audit --assume " + assumption.id +
                                   "): it then says " + quoted(then.text) +
                                   (wanted == Belief::vulnerable ? ", and knows that it is open." : "."),
                               {},
                               hosts_.that_are(AuditVerdict::falsely_safe)});
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
            if (how.empty() || trial_.saying_with(guest).belief != Belief::mitigated || trial_.deceives(guest))
                continue;
            advice_.push_back({AuditAdvice::By::option,
                               how + ": what it does then has an effect there.",
                               {field},
                               hosts_.that_are(AuditVerdict::falsely_safe)});
            return true;
        }
        return false;
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
            const bool is_missing = ground.is_field && ground.value == Answer::no;
            if (is_missing && !is_made_of_own(ground.name)) missing.push_back(ground.name);
        }
        std::vector<std::vector<std::string>> means;
        for (const std::string& field : missing) {
            if (trial_.mitigates_with({field})) means.push_back({field});
        }
        if (means.empty() && !missing.empty() && trial_.mitigates_with(missing)) means.push_back(missing);
        if (means.empty()) return;
        // That which comes to most hosts, and which fewest lack; of equals what microcode brings, and for which the
        // kernel asks first.
        const auto cost_of = [&](const std::vector<std::string>& fields) {
            std::vector<std::string> lacking = hosts_.without(fields);
            const std::size_t beyond = hosts_.take_beyond_update(lacking, fields).size();
            return std::tuple(beyond, lacking.size() + hosts_.not_offering(fields).size(),
                              source_of(fields) != AuditAdvice::By::microcode);
        };
        offer(*std::min_element(means.begin(), means.end(),
                                [&](const auto& one, const auto& other) { return cost_of(one) < cost_of(other); }));
    }

    // Fields with which the guest would mitigate.
    void offer(std::vector<std::string> fields) {
        std::sort(fields.begin(), fields.end());
        const std::string then = "in the policy the guest says " + quoted(trial_.saying_with(fields).text) + ".";
        if (case_.hosts.empty()) {
            advice_.push_back({AuditAdvice::By::option, "With " + joined(fields) + " " + then, fields, {}});
            return;
        }
        const std::string all = joined(fields) + are(fields);
        std::vector<std::string> lacking = hosts_.without(fields);
        std::vector<std::string> silent = hosts_.silent_on(fields);
        std::erase_if(
            silent, [&](const std::string& host) { return std::binary_search(lacking.begin(), lacking.end(), host); });
        std::vector<std::string> not_offering = hosts_.not_offering(fields);
        const bool is_on_all = lacking.empty() && silent.empty() && not_offering.empty();
        const std::vector<std::string> beyond = hosts_.take_beyond_update(lacking, fields);
        const auto add = [&](AuditAdvice::By by, const std::string& what, std::vector<std::string> hosts) {
            advice_.push_back({by, all + what + "; with " + it(fields) + " " + then, fields, std::move(hosts)});
        };
        if (!lacking.empty()) add(source_of(fields), " missing there", std::move(lacking));
        if (!beyond.empty() && beyond.size() < hosts_.count()) {
            add(AuditAdvice::By::host,
                " missing there, and no microcode brings it to such CPUs: leave them out of the pool", beyond);
        }
        if (!not_offering.empty()) {
            add(AuditAdvice::By::host,
                " on the CPU there, and its hypervisor does not offer it: update that, or turn it on there",
                std::move(not_offering));
        }
        if (!silent.empty()) {
            add(AuditAdvice::By::dump,
                " not known there: capture the hosts again, as root and with /dev/kvm, and merge them again",
                std::move(silent));
        }
        if (is_on_all) {
            add(AuditAdvice::By::option,
                " missing on none of these hosts: poolcpuid explain says what keeps it from the policy, an option "
                "(--hide, --ceiling), or that these dumps are newer than it",
                {});
        }
    }

    // The guest leaves it to the host, which does not do it.
    void close_on_hosts() {
        if (another_identity(hosts_.that_are(AuditVerdict::vulnerable), true)) return;
        advice_.push_back({AuditAdvice::By::microcode,
                           "Update the microcode there: the guest cannot do anything, and says so.",
                           {},
                           hosts_.that_are(AuditVerdict::vulnerable)});
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

    void dumps() {
        for (const AuditHosts& group : case_.entry.hosts) {
            if (group.verdict != AuditVerdict::unknown) continue;
            if (is_guarded(case_.rulebook, case_.vulnerability) && hosts_.are_virtual(group.hosts)) {
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
    const Trial trial_;
    const HostLists hosts_;
    std::vector<AuditAdvice> advice_;
};

}  // namespace

std::vector<AuditAdvice> advice_for(const Case& subject) { return Adviser(subject).all(); }

}  // namespace poolcpuid::audit
