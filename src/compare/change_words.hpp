// The sentences of a difference: what a change means for a guest that restarts, and for one that moves.
#pragma once

#include "compare/order.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::compare {

// What changed, as far as the sentences depend on it.
struct Subject {
    AtomKind kind = AtomKind::bits;
    Rule rule = Rule::hide;
    bool has_field = true;
    bool inverted = false;       // a clear bit promises
    bool is_mitigation = false;  // a guest with it can do something against an attack
    bool is_unseen = false;      // the dumps differ, and guests that are started there are shown the same
    bool is_open = false;        // the guest is no longer told to run VERW, and not known to need none
    bool is_of_policy = false;   // the second side is a policy
};

// Fills in the sentences of a change whose other members are set.
void describe(const Subject& subject, FieldChange& change);

// The same of a guarded bit of which running guests are not told, where VERW scrubs on none of the hosts that they
// leave.
void say_open_before(FieldChange& change);

// The change of promises between sides of two vendors.
FieldChange vendor_changed(const DiffSide& before, const DiffSide& after);

}  // namespace poolcpuid::compare
