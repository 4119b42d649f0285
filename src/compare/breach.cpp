#include "compare/breach.hpp"

#include <algorithm>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "policy/document_text.hpp"
#include "policy/reason.hpp"

namespace poolcpuid::compare {

namespace {

constexpr const char* start_again =
    "Keep the VM off this host, or start it again with the policy of a pool that has this host.";
constexpr const char* ask_hosts = "Check it on the dumps of that pool's hosts, which may say more than their policy.";
constexpr const char* merge_pools = "Start the VM again with a policy of both pools' hosts.";
constexpr const char* nothing_breaks =
    "Nothing breaks. To be rid of it, start the VM again with the policy of a pool that has this host.";
constexpr const char* update_microcode = "Update the microcode there.";
constexpr const char* use_newer_rulebook =
    "Check again with a rulebook that describes it, or start the VM again with a policy of this one.";
constexpr const char* capture_again =
    "Take a complete dump of the host (poolcpuid capture, as root, has its MSRs) and check again.";

bool is_single_bit(const Field& field) { return field.low == field.high; }

std::string called(const Field& field) {
    const std::string id(field.id);
    return field.names.vendor.empty() ? id : id + " (" + std::string(field.names.vendor) + ")";
}

std::string number(const Field& field, std::uint64_t value) {
    // Register halves and masks read better in hexadecimal, counts and widths in decimal.
    return field.high - field.low >= 12 ? to_hex(value) : std::to_string(value);
}

std::string lost_bits(const Field& field, const BrokenAtom& atom, bool is_policy) {
    const std::string who = is_policy ? "the other pool's policy" : "this host";
    if (is_single_bit(field)) {
        return "The guest was promised " + called(field) + ", which " + who + " does not have.";
    }
    return "The guest was promised bits " + to_hex(atom.promised & ~atom.kept) + " of " + called(field) + ", which " +
           who + " does not have.";
}

std::string void_bits(const Field& field, const Field& beside, bool is_policy) {
    return "The guest was promised " + called(field) + " without " + called(beside) + ": " +
           (is_policy ? "on the other pool's hosts, which have that, it does nothing."
                      : "on this host, which has that, it does nothing.");
}

std::string told_nothing(const Field& field, const BrokenAtom& atom, const Circumstances& circumstances) {
    const std::string who = circumstances.is_policy ? "the other pool has hosts with" : "this host has";
    if (circumstances.other_name_of_bad) {
        return "The guest was told that RET is predicted by the return stack alone; " +
               std::string(circumstances.is_policy ? "in the other pool" : "here") +
               " it may be predicted from elsewhere (" + std::string(field.id) + ").";
    }
    const std::string what =
        is_single_bit(field) ? called(field) : "bits " + to_hex(atom.kept & ~atom.promised) + " of " + called(field);
    std::string text = "The guest was not told of " + what + ", which " + who;
    if (circumstances.hidden_by_view) text += ", though what it offers to guests does not show it";
    return text + ".";
}

std::string number_text(const Field& field, const BrokenAtom& atom, bool is_policy) {
    if (atom.of_other_model) {
        return "The guest was promised " + called(field) + " of " + number(field, atom.promised) +
               ", which holds on the CPU model that it was shown; " +
               (is_policy ? "the other pool's policy shows another." : "this host is of another.");
    }
    const std::string who = is_policy ? "the other pool's policy has " : "this host has ";
    const std::string limit = field.rule == Rule::equal ? "" : field.rule == Rule::min ? "at least " : "at most ";
    return "The guest was promised " + called(field) + " of " + limit + number(field, atom.promised) + "; " + who +
           number(field, atom.kept) + ".";
}

// Whether the silicon has what hypervisors make where it has it no virtual CPU shows.
bool is_below_virtual_cpu(const BrokenAtom& atom, dump::TakenIn taken_in) {
    return atom.made_by == Makers::some && taken_in == dump::TakenIn::virtual_machine;
}

std::string unknown_text(const Field& field, const BrokenAtom& atom, bool inverted,
                         const Circumstances& circumstances) {
    const bool is_policy = circumstances.is_policy;
    if (atom.kind == AtomKind::scrub) {
        return "The guest runs VERW because of " + called(field) +
               (is_policy ? "; the other policy does not ask for it, and does not say whether its hosts are immune."
                          : "; the dump does not say whether that scrubs here, or whether the host is immune.");
    }
    const bool is_limit = atom.kind == AtomKind::number && field.rule == Rule::min;
    const std::string promise = std::string("The guest was ") + (inverted ? "told that there is no " : "promised ") +
                                called(field) + (is_limit ? " of at least " + number(field, atom.promised) : "");
    if (is_policy) return promise + "; the other pool's policy does not say whether its hosts keep that.";
    if (atom.undescribed)
        return promise + "; this host has as much, of which the rulebook describes no more than " +
               number(field, field.known_to) + ": what the rest promises nobody knows.";
    if (atom.by_microcode) return promise + "; the microcode decides it here, and the dump does not say which that is.";
    if (is_below_virtual_cpu(atom, circumstances.taken_in))
        return promise + "; the dump is of a virtual machine, which does not show what its host has of it.";
    switch (atom.made_by) {
        case Makers::none: break;
        case Makers::some: return promise + ", which only some hypervisors give; the dump is of the hardware alone.";
        case Makers::all: return promise + ", which every hypervisor makes; the dump is of the hardware alone.";
    }
    return promise + "; the dump does not say.";
}

// What is left where nothing on the host mends it.
const char* resort(Impact impact) { return only_degrades(impact) ? nothing_breaks : start_again; }

// What mends the violation on the host for sure.
void set_mend(Violation& violation, std::string mend) { violation.mend = violation.remedy = std::move(mend); }

// What may bring a promise to the host that it does not keep, or nothing.
const char* hope_of(const Field& field, const BrokenAtom& atom, Breach breach, const Circumstances& circumstances) {
    if (atom.kind != AtomKind::bits || breach == Breach::not_told) return "";
    // Kernels have ceased to make some bits, too.
    const bool is_made = field.made.by != Makers::none && !circumstances.never_made;
    if (field.by_microcode && !circumstances.never_brought)
        return is_made ? "Another microcode or kernel may bring it." : "A newer microcode or kernel may bring it.";
    if (is_made) return "Another kernel may bring it.";
    return circumstances.only_hypervisor_view ? "A newer kernel, or another setting of it, may bring it." : "";
}

// What would say what is not known: most often another dump.
std::string better_dump(const BrokenAtom& atom, dump::TakenIn taken_in) {
    if (atom.by_microcode) {
        return std::string(document::how_to_know_revision(taken_in)) + ", and check again.";
    }
    if (atom.undescribed) return use_newer_rulebook;
    if (atom.made_by == Makers::none) return capture_again;
    if (is_below_virtual_cpu(atom, taken_in))
        return "The dump is of a virtual machine: take one of its host, and check again.";
    return std::string("Take a dump that has the hypervisor's view, too (") + document::hypervisor_dump +
           "), and check again.";
}

void put_remedy(const Field& field, const BrokenAtom& atom, const Circumstances& circumstances, Violation& violation) {
    const bool is_lost_scrub = atom.known && atom.kind == AtomKind::scrub;
    if (is_lost_scrub) return set_mend(violation, update_microcode);
    if (circumstances.is_policy) return set_mend(violation, atom.known ? merge_pools : ask_hosts);
    if (!atom.known) return set_mend(violation, better_dump(atom, circumstances.taken_in));
    if (atom.kind == AtomKind::number && field.of_identity) return set_mend(violation, update_microcode);
    if (atom.void_beside != no_field) {
        violation.remedy = start_again;
        return;
    }
    const bool is_lost_bit = atom.kind == AtomKind::bits && violation.breach == Breach::lost;
    if (is_lost_bit && circumstances.withheld) {
        return set_mend(violation, "The CPU has it, " + document::offerer(circumstances.kernel) +
                                       " does not offer it: update that, or turn it on there.");
    }
    violation.mend = hope_of(field, atom, violation.breach, circumstances);
    violation.remedy = violation.mend + (violation.mend.empty() ? "" : " ") + resort(violation.impact);
}

void put_component(const promises::VendorRules& rules, const BrokenAtom& atom, bool is_policy, Violation& violation) {
    const XsaveComponent& component = *rules.rulebook().find_state(atom.component);
    violation.state = component.id;
    violation.field = "xsave state " + violation.state;
    violation.place = {false, rules.xsave_leaf().value_or(0), component.bit, component.bit, Register::eax, 0, 31};
    violation.impact = atom.impact;
    const bool is_gone = !atom.kept_layout.promised;
    violation.promised = layout_text(atom.promised_layout);
    violation.host = atom.known ? layout_text(atom.kept_layout) : "unknown";
    violation.message = "The guest saves the XSAVE state " + std::string(component.id) + ", " +
                        (!atom.known ? "of which the dump says nothing for "
                         : is_gone   ? "which is not there on "
                                     : "which is laid out otherwise on ") +
                        (is_policy ? "the hosts of the other pool." : "this host.");
    if (!atom.known) return set_mend(violation, is_policy ? ask_hosts : capture_again);
    if (is_policy) return set_mend(violation, merge_pools);
    violation.remedy = start_again;
}

}  // namespace

std::string layout_text(const promises::Component& component) {
    if (!component.promised) return "none";
    if (component.size == 0) return "0 bytes";  // legacy state, which has no row of its own
    return document::layout_text({component.size, {}, 0, StatePlace{component.offset, component.align64}});
}

Violation describe(const promises::VendorRules& rules, const BrokenAtom& atom, const Circumstances& circumstances) {
    Violation violation;
    violation.known = atom.known;
    violation.given = atom.made_by == Makers::all;
    if (atom.kind == AtomKind::component) {
        put_component(rules, atom, circumstances.is_policy, violation);
        return violation;
    }
    const Field& field = rules.rulebook()[atom.field];
    const bool inverted = rules.is_inverted(atom.field) && atom.kind == AtomKind::bits;
    violation.field = field.id;
    violation.place = field.place(atom.subleaf);
    violation.breach = inverted ? Breach::not_told : Breach::lost;
    violation.promised = atom.kind == AtomKind::scrub ? "VERW scrubs" : to_hex(atom.promised);
    violation.host = !atom.known ? "unknown" : atom.kind == AtomKind::scrub ? "VERW does not scrub" : to_hex(atom.kept);
    violation.impact = atom.impact;
    if (!atom.known) {
        violation.message = unknown_text(field, atom, inverted, circumstances);
    } else if (atom.kind == AtomKind::scrub) {
        violation.message = "The guest runs VERW because of " + called(field) + "; " +
                            (circumstances.is_policy ? "not every host of the other pool" : "this host") +
                            (circumstances.is_policy ? " is known to scrub then." : " is affected and does not scrub.");
    } else if (atom.kind == AtomKind::number) {
        violation.message = number_text(field, atom, circumstances.is_policy);
    } else if (inverted) {
        violation.message = told_nothing(field, atom, circumstances);
    } else if (atom.void_beside != no_field) {
        violation.message = void_bits(field, rules.rulebook()[atom.void_beside], circumstances.is_policy);
    } else {
        violation.message = lost_bits(field, atom, circumstances.is_policy);
    }
    put_remedy(field, atom, circumstances, violation);
    return violation;
}

Violation vendor_violation(const std::string& promised, const std::string& host) {
    Violation violation;
    violation.field = "vendor";
    violation.place = {false, vendor_key.leaf, vendor_key.subleaf, vendor_key.subleaf, Register::ebx, 0, 31};
    violation.promised = printable(promised);
    violation.host = printable(host);
    violation.impact = Impact::crash;
    violation.message = "Software reads CPUID by vendor, and this one is of another.";
    violation.remedy = "VMs do not move between vendors.";
    return violation;
}

}  // namespace poolcpuid::compare
