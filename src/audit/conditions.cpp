#include "audit/conditions.hpp"

#include <algorithm>
#include <utility>

namespace poolcpuid::audit {

using rulebook::GuestCondition;
using rulebook::GuestCpus;
using rulebook::GuestFact;
using rulebook::GuestTable;
using rulebook::GuestTerm;

void add_grounds(Grounds& to, const Grounds& more) {
    for (const AuditGround& ground : more) {
        if (std::find(to.begin(), to.end(), ground) == to.end()) to.push_back(ground);
    }
}

Subject with(Subject subject, std::vector<FieldIndex> changed, Answer value) {
    subject.field = [changed = std::move(changed), value, field = std::move(subject.field)](FieldIndex index) {
        const bool is_changed = std::find(changed.begin(), changed.end(), index) != changed.end();
        return is_changed ? value : field(index);
    };
    return subject;
}

namespace {

VendorMask mask_of(const Rulebook& rulebook, const std::string& vendor) {
    const auto index = rulebook.vendor_named(vendor);
    return index ? static_cast<VendorMask>(1U << *index) : VendorMask{0};
}

}  // namespace

Conditions::Conditions(const Rulebook& rulebook, const rulebook::GuestData& data, const VmmVersion& release,
                       Subject subject)
    : rulebook_(rulebook),
      data_(data),
      release_(release),
      subject_(std::move(subject)),
      vendor_(mask_of(rulebook, subject_.vendor)) {
    if (!subject_.signature) return;
    for (const GuestTable& table : data_.tables) {
        const auto row = std::find_if(table.rows.begin(), table.rows.end(), [&](const GuestCpus& cpus) {
            return cpus.releases.has(release_) && cpus.has(subject_.vendor, *subject_.signature);
        });
        if (row != table.rows.end()) rows_.push_back(&*row);
    }
}

Conditions Conditions::without_signature() const {
    Conditions result = *this;
    result.subject_.signature.reset();
    result.rows_.clear();
    return result;
}

Answer Conditions::holds(const GuestCondition& condition, Grounds* grounds) const {
    Answer any = Answer::no;
    Grounds denied;  // what makes each list fail
    for (const auto& list : condition) {
        Answer all = Answer::yes;
        Grounds granted;
        Grounds reasons;  // why it is not known, or not so
        for (const GuestTerm& term : list) {
            Grounds on;
            const Answer answer = holds(term, on);
            if (answer == Answer::yes) add_grounds(granted, on);
            if (answer == Answer::no || (answer == Answer::unknown && all == Answer::yes)) reasons.clear();
            if (answer != Answer::yes) add_grounds(reasons, on);
            if (answer != Answer::yes) all = answer;
            if (answer == Answer::no) break;
        }
        if (all == Answer::yes) {
            if (grounds != nullptr) add_grounds(*grounds, granted);
            return Answer::yes;
        }
        if (all == Answer::unknown) any = Answer::unknown;
        add_grounds(denied, reasons);
    }
    if (grounds != nullptr) add_grounds(*grounds, denied);
    return any;
}

Answer Conditions::holds(const GuestTerm& term, Grounds& grounds) const {
    if (term.told && subject_.told != nullptr) {
        GuestTerm asked = term;
        asked.told = false;
        Grounds of_guest;
        const Answer answer = subject_.told->holds(asked, of_guest);
        for (AuditGround& ground : of_guest) ground.is_told = true;
        add_grounds(grounds, of_guest);
        return answer;
    }
    const Answer answer = value(term, grounds);
    return term.negated ? negation(answer) : answer;
}

Answer Conditions::value(const GuestTerm& term, Grounds& grounds) const {
    const auto rests_on_itself = [&](Answer answer) {
        GuestTerm plain = term;
        plain.negated = false;
        add_grounds(grounds, {{plain.text(), term.kind == GuestTerm::Kind::field, answer, false}});
        return answer;
    };
    switch (term.kind) {
        case GuestTerm::Kind::field: {
            const FieldIndex index = rulebook_.find(term.name);
            // Nothing rests on what the vendor does not have.
            if ((rulebook_[index].vendors & vendor_) == 0) return Answer::no;
            return rests_on_itself(subject_.field(index));
        }
        case GuestTerm::Kind::tag: return rests_on_itself(tag(term.name));
        case GuestTerm::Kind::assumption: {
            const auto& held = subject_.assumptions;
            return rests_on_itself(answer_of(std::find(held.begin(), held.end(), term.name) != held.end()));
        }
        case GuestTerm::Kind::guest: return answer_of(subject_.is_guest);
        case GuestTerm::Kind::vendor: return answer_of(subject_.vendor == term.name);
        case GuestTerm::Kind::fact: break;
    }
    for (const GuestFact& fact : data_.facts) {
        if (fact.id == term.name && fact.releases.has(release_)) return holds(fact.any, &grounds);
    }
    return Answer::no;  // a fact of other kernels
}

namespace {

bool has_tag(const GuestCpus& row, const std::string& name) {
    return std::find(row.tags.begin(), row.tags.end(), name) != row.tags.end();
}

}  // namespace

Answer Conditions::tag(const std::string& name) const {
    if (!subject_.signature) return tag_of_vendor(name);
    return answer_of(
        std::any_of(rows_.begin(), rows_.end(), [&](const GuestCpus* row) { return has_tag(*row, name); }));
}

// Of a CPU of which only the vendor is known: what all CPUs of that vendor have, or none has.
Answer Conditions::tag_of_vendor(const std::string& name) const {
    bool any = false;
    bool all = false;
    for (const GuestTable& table : data_.tables) {
        bool all_rows = true;
        for (const GuestCpus& row : table.rows) {
            // A row of no vendor in particular has the i486 and its like, no 64-bit CPU.
            const bool is_possible = row.releases.has(release_) && !row.vendors.empty();
            if (!is_possible || !rulebook::is_for(row.vendors, subject_.vendor)) continue;
            any = any || has_tag(row, name);
            all_rows = all_rows && has_tag(row, name);
            const bool has_every_cpu = row.families.empty() && row.models.empty() && row.steppings.empty();
            if (!has_every_cpu) continue;
            all = all || all_rows;
            break;
        }
    }
    if (all) return Answer::yes;
    return any ? Answer::unknown : Answer::no;
}

namespace {

void add_wanted(const Rulebook& rulebook, const rulebook::GuestData& data, const VmmVersion& release,
                const GuestCondition& condition, std::vector<FieldIndex>& to) {
    for (const auto& list : condition) {
        for (const GuestTerm& term : list) {
            if (term.negated) continue;
            if (term.kind == GuestTerm::Kind::field) {
                const FieldIndex field = rulebook.find(term.name);
                if (std::find(to.begin(), to.end(), field) == to.end()) to.push_back(field);
            }
            if (term.kind != GuestTerm::Kind::fact) continue;
            for (const GuestFact& fact : data.facts) {
                if (fact.id == term.name && fact.releases.has(release)) {
                    add_wanted(rulebook, data, release, fact.any, to);
                    break;
                }
            }
        }
    }
}

bool is_in_models(const Rulebook& rulebook, VendorMask vendors, FieldIndex field) {
    return std::any_of(rulebook.baselines.begin(), rulebook.baselines.end(), [&](const Baseline& model) {
        return (model.vendors & vendors) != 0 &&
               std::find(model.features.begin(), model.features.end(), field) != model.features.end();
    });
}

}  // namespace

bool is_made_of_own(const Rulebook& rulebook, const std::string& vendor, FieldIndex field) {
    const auto& where = rulebook[field].made.where;
    if (where.empty()) return false;
    const VendorMask own = mask_of(rulebook, vendor);
    if (is_in_models(rulebook, own, field) || !is_in_models(rulebook, static_cast<VendorMask>(~own), field)) {
        return false;
    }
    return std::any_of(where.begin(), where.end(), [&](const auto& list) {
        return std::all_of(list.begin(), list.end(), [&](const GuardTerm& term) {
            return !term.negated && is_in_models(rulebook, own, term.field);
        });
    });
}

std::vector<FieldIndex> fields_wanted(const Rulebook& rulebook, const rulebook::GuestData& data,
                                      const VmmVersion& release, const GuestCondition& condition) {
    std::vector<FieldIndex> fields;
    add_wanted(rulebook, data, release, condition, fields);
    return fields;
}

}  // namespace poolcpuid::audit
