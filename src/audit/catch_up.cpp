#include "audit/catch_up.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "audit/host_lists.hpp"
#include "audit/trial.hpp"

namespace poolcpuid::audit {

using rulebook::GuestVulnerability;

namespace {

// Whether the field is a mitigation that microcode of the guest's vendor brings.
bool may_be_brought(const Case& subject, FieldIndex field) {
    const Field& entry = subject.rulebook[field];
    return entry.by_microcode && !entry.mitigation.empty() &&
           !is_made_of_own(subject.rulebook, subject.guest.subject().vendor, field);
}

// Whether what a guest says is falsely safe on no host, each with the fields that are brought to it by its number.
template <typename BroughtTo>
bool deceives_nobody(const Case& subject, const Conditions& guest, const GuestVulnerability& vulnerability,
                     const Saying& says, const BroughtTo& brought_to) {
    for (std::size_t i = 0; i < subject.hosts.size(); ++i) {
        const AuditHosts answer = answer_with(subject, subject.hosts[i], brought_to(i), guest, vulnerability, says);
        if (answer.verdict == AuditVerdict::falsely_safe) return false;
    }
    return true;
}

class Update {
public:
    explicit Update(const Case& subject) : case_(subject) {
        const std::vector<FieldIndex> asked_for = fields_asked_for();
        std::map<const Model*, std::set<FieldIndex>> had;
        for (const AuditedHost& host : case_.hosts) {
            for (const FieldIndex field : asked_for) {
                if (has(host, field) == Answer::yes) had[model_of(host)].insert(field);
            }
        }
        for (const AuditedHost& host : case_.hosts) {
            std::vector<FieldIndex>& behind = behind_.emplace_back();
            const Model* model = model_of(host);
            if (model == nullptr) continue;
            for (const FieldIndex field : had[model]) {
                if (has(host, field) == Answer::no && !host.conditions.subject().is_beyond(field)) {
                    behind.push_back(field);
                }
            }
            fields_.insert(behind.begin(), behind.end());
        }
    }

    std::optional<CatchUp> least() {
        if (fields_.empty() || !mends(fields_)) return std::nullopt;
        const std::set<FieldIndex> all = fields_;
        for (const FieldIndex field : all) {
            std::set<FieldIndex> fewer = fields_;
            fewer.erase(field);
            if (mends(fewer)) fields_ = std::move(fewer);
        }
        CatchUp update;
        for (const FieldIndex field : fields_) update.fields.emplace_back(case_.rulebook[field].id);
        std::sort(update.fields.begin(), update.fields.end());
        for (std::size_t i = 0; i < case_.hosts.size(); ++i) {
            const auto& names = case_.hosts[i].names;
            if (!brought(i, fields_).empty()) update.hosts.insert(update.hosts.end(), names.begin(), names.end());
        }
        std::sort(update.hosts.begin(), update.hosts.end());
        update.says = saying_of(guest_with(fields_), case_.vulnerability).text;
        return update;
    }

private:
    // A row of the model table: CPUs of one model number may get different microcodes, by their steppings.
    const Model* model_of(const AuditedHost& host) const {
        const Subject& subject = host.conditions.subject();
        const auto vendor = case_.rulebook.vendor_named(subject.vendor);
        return vendor && subject.signature ? case_.rulebook.model_of(*vendor, *subject.signature) : nullptr;
    }

    static Answer has(const AuditedHost& host, FieldIndex field) { return host.conditions.subject().field(field); }

    // Mitigations that microcode brings.
    std::vector<FieldIndex> fields_asked_for() const {
        std::set<FieldIndex> fields;
        const auto add = [&](const std::optional<rulebook::GuestCondition>& condition) {
            if (!condition) return;
            for (const FieldIndex field :
                 fields_wanted(case_.rulebook, case_.data, case_.guest.release(), *condition)) {
                if (may_be_brought(case_, field)) fields.insert(field);
            }
        };
        for (const auto& part : case_.vulnerability.says) {
            for (const rulebook::GuestPhrase& phrase : part) {
                add(phrase.condition);
                add(phrase.needs);
            }
        }
        return {fields.begin(), fields.end()};
    }

    std::vector<FieldIndex> brought(std::size_t host, const std::set<FieldIndex>& update) const {
        std::vector<FieldIndex> fields;
        for (const FieldIndex field : behind_[host]) {
            if (update.contains(field)) fields.push_back(field);
        }
        return fields;
    }

    // A merge then tells guests of what every host has; to run VERW it asks them where one does.
    bool is_told(FieldIndex field) const {
        if (case_.rulebook[field].rule == Rule::guarded) return true;
        for (std::size_t i = 0; i < case_.hosts.size(); ++i) {
            const bool is_brought = std::find(behind_[i].begin(), behind_[i].end(), field) != behind_[i].end();
            const bool is_said = !case_.hosts[i].conditions.subject().is_unsaid(field);
            if (!is_brought && (!is_said || has(case_.hosts[i], field) != Answer::yes)) return false;
        }
        return true;
    }

    Conditions guest_with(const std::set<FieldIndex>& update) const {
        std::vector<FieldIndex> told;
        std::copy_if(update.begin(), update.end(), std::back_inserter(told),
                     [&](FieldIndex field) { return is_told(field); });
        return {case_.rulebook, case_.data, case_.guest.release(),
                with(case_.guest.subject(), std::move(told), Answer::yes)};
    }

    bool mends(const std::set<FieldIndex>& update) const {
        const Conditions guest = guest_with(update);
        const Saying then = saying_of(guest, case_.vulnerability);
        if (then.belief != Belief::mitigated) return false;
        return deceives_nobody(case_, guest, case_.vulnerability, then,
                               [&](std::size_t host) { return brought(host, update); });
    }

    const Case& case_;
    std::vector<std::vector<FieldIndex>> behind_;  // by host: what others of its model have and it does not
    std::set<FieldIndex> fields_;
};

// Asks what each field would do that the deceived hosts lack and microcode brings.
class Remedies {
public:
    Remedies(const Case& subject, const Conditions& guest, const GuestVulnerability& vulnerability)
        : case_(subject), guest_(guest), vulnerability_(vulnerability) {
        const Saying saying = saying_of(guest, vulnerability);
        Grounds grounds = saying.grounds;
        for (const AuditedHost& host : case_.hosts) {
            const AuditHosts answer = answer_with(case_, host, {}, guest, vulnerability, saying);
            is_deceived_.push_back(answer.verdict == AuditVerdict::falsely_safe);
            if (is_deceived_.back()) add_grounds(grounds, answer.grounds);
        }
        for (const AuditGround& ground : grounds) {
            if (ground.is_field && ground.value == Answer::no) add(case_.rulebook.find(ground.name));
        }
    }

    std::optional<Remedy> first() const {
        for (const FieldIndex field : fields_) {
            const bool is_told = will_be_told(field);
            const Conditions told{case_.rulebook, case_.data, guest_.release(),
                                  with(guest_.subject(), {field}, Answer::yes)};
            if (comes_to_all(field) && mends(field, is_told ? told : guest_)) {
                return Remedy{std::string(case_.rulebook[field].id), is_told};
            }
        }
        return std::nullopt;
    }

private:
    void add(FieldIndex field) {
        const bool is_new = std::find(fields_.begin(), fields_.end(), field) == fields_.end();
        if (is_new && may_be_brought(case_, field)) fields_.push_back(field);
    }

    bool lacks(std::size_t host, FieldIndex field) const {
        return case_.hosts[host].conditions.subject().field(field) == Answer::no;
    }

    bool comes_to_all(FieldIndex field) const {
        const HostLists lists(case_);
        for (std::size_t i = 0; i < case_.hosts.size(); ++i) {
            if (!is_deceived_[i]) continue;
            const bool is_late = lacks(i, field);
            if (!is_late ||
                lists.is_beyond_update(case_.hosts[i].conditions, {std::string(case_.rulebook[field].id)})) {
                return false;
            }
        }
        return true;
    }

    // As Update::is_told: by a merge with the deceived hosts mended.
    bool will_be_told(FieldIndex field) const {
        if (case_.rulebook[field].rule == Rule::guarded) return true;
        for (std::size_t i = 0; i < case_.hosts.size(); ++i) {
            const Subject& subject = case_.hosts[i].conditions.subject();
            if (!is_deceived_[i] && (subject.is_unsaid(field) || subject.field(field) != Answer::yes)) return false;
        }
        return true;
    }

    bool mends(FieldIndex field, const Conditions& guest) const {
        return deceives_nobody(case_, guest, vulnerability_, saying_of(guest, vulnerability_), [&](std::size_t host) {
            return is_deceived_[host] ? std::vector{field} : std::vector<FieldIndex>();
        });
    }

    const Case& case_;
    const Conditions& guest_;
    const GuestVulnerability& vulnerability_;
    std::vector<bool> is_deceived_;  // by host
    std::vector<FieldIndex> fields_;
};

}  // namespace

std::optional<Remedy> remedy_for(const Case& subject, const Conditions& guest,
                                 const GuestVulnerability& vulnerability) {
    return Remedies(subject, guest, vulnerability).first();
}

std::optional<CatchUp> catch_up(const Case& subject) { return Update(subject).least(); }

}  // namespace poolcpuid::audit
