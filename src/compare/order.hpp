// The order of promises: which of one vector of atoms another does not keep.
//
// check, diff, --floor and plan all ask this one question. Derived, identity, owned and hidden fields have
// no atoms and are never compared (docs/design.md).
#pragma once

#include <cstdint>
#include <vector>

#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::compare {

// What kind of atom is broken.
enum class AtomKind : std::uint8_t {
    bits,       // of a field; see VendorRules::is_inverted for what a set bit means
    number,     // min, max, equal
    component,  // an XSAVE state: gone, or laid out otherwise
    scrub,      // that VERW scrubs what a guarded bit is about
};

// An atom that was promised and is not kept.
struct BrokenAtom {
    AtomKind kind = AtomKind::bits;
    FieldIndex field = no_field;  // no_field for a component
    std::uint32_t subleaf = 0;
    std::uint8_t component = 0;     // its bit in XCR0 or IA32_XSS
    bool known = true;              // false: the other side does not say, so it is not known to keep it
    Impact impact = Impact::crash;  // what that costs there
    Makers made_by = Makers::none;  // of what is not known: the hypervisors that give it, whose view was not dumped
    std::uint64_t promised = 0;     // the field's values, shifted down
    std::uint64_t kept = 0;
    promises::Component promised_layout;  // of a component
    promises::Component kept_layout;
    bool by_microcode = false;    // of what is not known: a microcode decides it, whose revision was not dumped
    bool undescribed = false;     // of a number that is not known: it is there, and the rulebook does not describe it
    bool of_other_model = false;  // of a number: a CPU of another model keeps it not, whatever it shows
    // Of bits that are kept: they do nothing beside this field, which the guest was not shown.
    FieldIndex void_beside = no_field;

    friend bool operator==(const BrokenAtom&, const BrokenAtom&) = default;
};

// The atoms of promised that kept does not have, in the rulebook's order, components last. The
// registers of promised (a policy's, or a host's first logical CPU's) decide which gates are open; what a
// host does not say opens none. Linear in the vendor's fields.
std::vector<BrokenAtom> broken_atoms(const promises::VendorRules& rules, const promises::HostPromises& promised,
                                     const promises::HostPromises& kept);

}  // namespace poolcpuid::compare
