// The sentences of a check: what the guest was promised, what the host does, and what would mend it.
#pragma once

#include <cstdint>
#include <string>

#include "compare/order.hpp"
#include "dump/virtual_machine.hpp"
#include "poolcpuid/check.hpp"

namespace poolcpuid::compare {

// What is known of the other side beyond the broken atom itself.
struct Circumstances {
    bool is_policy = false;   // the other side is a policy
    bool withheld = false;    // the silicon keeps the promise, and its hypervisor does not offer it
    std::string kernel = {};  // of that hypervisor; empty: not known
    bool only_hypervisor_view = false;
    dump::TakenIn taken_in = dump::TakenIn::host;
    bool hidden_by_view = false;     // the bad news is the silicon's, and the host's VMM does not show it
    bool other_name_of_bad = false;  // the field is one of a group's two names for bad news
    bool never_made = false;         // hypervisors make it of immune CPUs alone, and this one is open
    bool never_brought = false;      // likewise microcode
};

// The violation that a broken atom is, with its sentences.
Violation describe(const promises::VendorRules& rules, const BrokenAtom& atom, const Circumstances& circumstances);

// How an XSAVE state lies, in words.
std::string layout_text(const promises::Component& component);

// The violation of a host of another vendor.
Violation vendor_violation(const std::string& promised, const std::string& host);

}  // namespace poolcpuid::compare
