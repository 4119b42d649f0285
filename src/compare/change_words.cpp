#include "compare/change_words.hpp"

#include "compare/breach.hpp"
#include "compare/told.hpp"

namespace poolcpuid::compare {

namespace {

struct Sentences {
    const char* restarted;
    const char* migrated;  // a running guest's trouble follows it, where it has one
};

// A limit that can be weaker or stronger, which an equal value is not.
AtomKind kind_of(const Subject& subject) { return subject.rule == Rule::equal ? AtomKind::bits : subject.kind; }

Sentences losing(const Subject& subject, bool known) {
    if (!known && subject.kind == AtomKind::scrub) {
        return {"The guest does not count on VERW where it is not known to scrub.",
                "The guest runs VERW and counts on it, and it is not known whether CPUs there need it, or scrub"};
    }
    if (!known) {
        const char* restarted = subject.is_of_policy
                                    ? losing(subject, true).restarted
                                    : "A policy does not promise what a dump does not say: the guest does without.";
        return {restarted, "The guest goes on using what is not known to be there"};
    }
    switch (kind_of(subject)) {
        case AtomKind::number:
            return {"The guest is told the weaker limit.",
                    "The guest goes on with the old limit, which need not hold there"};
        case AtomKind::component:
            return {"The guest saves the state as it is laid out there, or not at all.",
                    "The guest goes on saving a state that is not there, or is laid out otherwise"};
        case AtomKind::scrub:
            return {"The guest cannot count on VERW, even where it is told to run it.",
                    "The guest runs VERW and counts on it, though it need not scrub there"};
        case AtomKind::bits: break;
    }
    if (subject.is_unseen)
        return {"The guest is shown it there, too.", "The guest goes on using what need not work there"};
    if (subject.is_mitigation) {
        return {"The guest is not shown it and is without this mitigation.",
                "The guest goes on using what may not be there"};
    }
    return {"The guest is not shown it and does without.", "The guest goes on using what may not be there"};
}

Sentences relaxing(const Subject& subject, bool known) {
    if (!known) {
        return {"A policy tells the guest of what a dump does not rule out.",
                "The guest was told that it is not so, which is not known to hold there"};
    }
    if (subject.rule == Rule::guarded) {
        return {"The guest is told to run VERW.", "The guest was not told to run VERW, which CPUs there need"};
    }
    return {"The guest is told and does not rely on the old behaviour.",
            "The guest was not told and goes on relying on the old behaviour"};
}

const char* gained(const Subject& subject) {
    switch (kind_of(subject)) {
        case AtomKind::number: return "The guest is told the stronger limit.";
        case AtomKind::component: return "The guest may use the state.";
        case AtomKind::scrub: return "The guest may count on the VERW that it is told to run.";
        case AtomKind::bits: break;
    }
    return subject.inverted ? "The guest may rely on the stricter behaviour." : "The guest may use it.";
}

const char* without_promise(const Subject& subject, bool known) {
    if (!subject.has_field) return "A policy never shows it.";
    if (subject.is_open) {
        return known ? "The guest is no longer told to run VERW, which does not scrub on every host that needs it: it "
                       "gains nothing."
                     : "The guest is no longer told to run VERW, and whether a host needs it is not known: it is not "
                       "known to gain anything.";
    }
    switch (subject.rule) {
        case Rule::derive: return "The guest sees the value that follows from the other fields.";
        case Rule::identity: return "The guest sees the new description of its CPU.";
        case Rule::owned: return "The VMM or the guest fills it in.";
        case Rule::hide: return "A policy never shows it.";
        default: break;
    }
    return subject.is_unseen ? "The guest is shown the same."
                             : "The guest sees the new value, which promises the same.";
}

}  // namespace

void describe(const Subject& subject, FieldChange& change) {
    Sentences sentences{without_promise(subject, change.known), "Nothing changes."};
    switch (change.direction) {
        case Direction::loses: sentences = losing(subject, change.known); break;
        case Direction::relaxes: sentences = relaxing(subject, change.known); break;
        case Direction::both:
            sentences = {"The guest is told the new value.",
                         "The guest goes on with the old value, of which some need not hold there"};
            break;
        case Direction::gains: sentences = {gained(subject), "Nothing changes until the guest restarts."}; break;
        case Direction::none: break;
    }
    change.restarted = sentences.restarted;
    change.migrated = sentences.migrated;
    if (change.given)
        change.migrated = "Every hypervisor gives it, though a dump of the hardware alone does not show it.";
    if (change.breaks()) change.migrated += std::string(": it ") + compare::trouble(change.impact) + ".";
}

void say_open_before(FieldChange& change) {
    change.migrated =
        "The guest was not told to run VERW, which CPUs there need: it may be open to an attack, as it is on every "
        "host "
        "before the change.";
}

FieldChange vendor_changed(const DiffSide& before, const DiffSide& after) {
    const Violation violation = compare::vendor_violation(before.vendor, after.vendor);
    FieldChange change;
    change.field = vendor_change;
    change.place = violation.place;
    change.before = violation.promised;
    change.after = violation.host.empty() ? "unknown" : violation.host;
    change.known = !violation.host.empty() && !violation.promised.empty();
    if (violation.promised.empty()) change.before = "unknown";
    change.direction = Direction::loses;
    change.impact = violation.impact;
    change.restarted = "The guest finds a CPU of another vendor: a policy of the one says nothing of the other.";
    change.migrated = violation.remedy;
    return change;
}

}  // namespace poolcpuid::compare
