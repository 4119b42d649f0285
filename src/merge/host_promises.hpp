// One host reduced to what it promises: the vector of atoms that the pool meets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dump/hidden_cpuid.hpp"
#include "merge/table_values.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/finding_code.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// A number's atom. Unknown is the bottom of the order: no promise.
struct Number {
    bool known = false;
    std::uint64_t value = 0;

    friend bool operator==(const Number&, const Number&) = default;
};

// The meet of two numbers under a rule (min, max or equal).
Number meet(Rule rule, const Number& a, const Number& b) noexcept;

// An XSAVE component's atom: supported with this layout, or not promised. Two different layouts
// promise nothing, since code that computed an offset on one host would use it on the other.
struct Component {
    bool promised = false;
    std::uint32_t size = 0;    // bytes
    std::uint32_t offset = 0;  // bytes, standard format; 0 for supervisor state
    bool align64 = false;      // in the compacted format

    friend bool operator==(const Component&, const Component&) = default;
};

inline constexpr std::size_t component_count = 63;  // XCR0 and IA32_XSS; bit 63 of XCR0 is not a component

// Bits that are set though no field covers them.
struct StrayBits {
    RegisterPlace place;
    std::uint64_t mask = 0;

    friend auto operator<=>(const StrayBits&, const StrayBits&) = default;
};

// The atoms alone: a product of semilattices.
struct Atoms {
    std::vector<std::uint64_t> words;   // promise bits, parallel to Plan::words()
    std::vector<Number> numbers;        // parallel to Plan::numbers()
    std::uint64_t scrubs = 0;           // bit i: VERW scrubs what Plan::guards()[i] is about
    std::vector<Component> components;  // component_count of them
    // The oldest microcode by EAX of leaf 1: revisions compare only between CPUs of one signature. There is an entry
    // for each signature, known or not.
    std::map<std::uint32_t, Number> microcode;

    // Whether all are of one family and model.
    bool is_of_one_model() const noexcept;

    // Meets this with another host's atoms. The loop over words is the merge's inner loop.
    void meet(const Plan& plan, const Atoms& other) noexcept;

    friend bool operator==(const Atoms&, const Atoms&) = default;
};

struct HostPromises {
    Atoms atoms;
    std::vector<std::uint64_t> unknown;           // bits of which the host is silent, parallel to words
    std::vector<std::uint64_t> made;              // bits of unknown that a hypervisor's view would tell, likewise
    std::vector<std::uint64_t> given;             // those of made that every hypervisor gives, likewise
    std::vector<std::uint64_t> withheld;          // promises that the silicon keeps and its hypervisor does not offer
    std::uint64_t scrub_unknown = 0;              // bit i: whether VERW scrubs cannot be told
    std::uint64_t immune = 0;                     // bit i: known to need no VERW, so that its own bit is no news
    std::uint64_t heeds = 0;                      // bit i: VERW scrubs for guests, too, that are told in another way
    std::vector<bool> absent;                     // words of MSRs that the host is known not to have
    std::vector<std::uint64_t> modelled;          // bits that the model table set or settled, parallel to words
    std::vector<std::uint64_t> implied;           // promised though no view shows them: what is not there implies them
    std::vector<std::uint64_t> by_microcode;      // unknown bits that a microcode decides which is not known
    std::vector<std::uint64_t> offered;           // what the view for guests alone shows, as promises
    std::uint64_t components_unknown = 0;         // XSAVE states of which the dump says nothing, by bit
    std::uint64_t unpermitted = 0;                // those of them that its hypervisor gives to processes that ask
    std::uint64_t uneven_layouts = 0;             // XSAVE states that its logical CPUs lay out differently, likewise
    std::vector<FieldIndex> assumed;              // numbers that the dump does not say: the least was taken
    std::vector<FieldIndex> easings;              // fields that ease a broken promise and that a view shows
    std::vector<LeafKey> silent_rows;             // promise-bearing rows of which the dump knows nothing
    std::size_t silent_identity = 0;              // identity fields of which its first CPU's dump says nothing
    std::vector<FieldIndex> uneven;               // fields in which the host's logical CPUs differ
    std::vector<std::uint8_t> documented_layout;  // components whose layout was taken from the rulebook
    std::vector<StrayBits> strays;
    std::vector<FieldIndex> read_clear;  // fields that count as set by what implies them, though a table lacks them
    std::vector<dump::HidingSetting> hiding;  // settings of the firmware that keep something from being known; sorted
    bool is_partial = false;                  // of names of features alone (HostDump::is_partial)
    bool has_msrs = false;
    bool has_hypervisor_view = false;
    bool has_hardware_view = false;
    Signature signature;
    std::string kernel;                       // its version, of a host with both views; empty: not known
    std::uint32_t leaf1_eax = 0;              // the signature as CPUID words it, and no other bits
    Silicon silicon;                          // of the CPU that stands for the host (cpu_kinds)
    std::vector<Silicon> other_silicon;       // of its CPUs of other signatures
    std::shared_ptr<const CpuidTable> table;  // the CPU that stands for the host: identity and raw values
    // The view that capabilities come from: the hypervisor's table where there is one, and its MSRs.
    std::shared_ptr<const CpuidTable> offered_table;
    std::shared_ptr<const Msrs> msrs;

    // Whether the silicon of all its CPUs, or of one, is so. What any does badly the host does.
    template <typename Test>
    bool all_silicon(const Test& is_so) const {
        return is_so(silicon) && std::all_of(other_silicon.begin(), other_silicon.end(), is_so);
    }
    template <typename Test>
    bool any_silicon(const Test& is_so) const {
        return is_so(silicon) || std::any_of(other_silicon.begin(), other_silicon.end(), is_so);
    }
};

// The tables of a host's logical CPUs of which none repeats another but for ids, the first CPU's first: what they
// promise together, all of them promise. Of a host with many kinds of CPU some may repeat all the same. Linear in the
// rows.
std::vector<const CpuidTable*> different_tables(const HardwareView& view);

// Reduces a host: the meet over its logical CPUs, each with what the model table says of it. plan is that of the host's
// vendor. Linear in the rows of the host.
HostPromises promises_of(const Plan& plan, const HostDump& host);

// What a policy promises to its guests: its registers taken literally, without a model table, and its
// decisions for the promises that registers cannot show (Decision::scrubs).
HostPromises promises_of(const Plan& plan, const PoolPolicy& policy);

// The retpoline group: RSBA and RRSBA are two names of one piece of bad news.
//
// Either of them says that RET may be predicted from elsewhere than the return stack. Under enhanced IBRS the
// predictions are tagged by mode, and the news goes by the name RRSBA; without it, by RSBA (Xen
// spec_ctrl.c, retpoline_calculations).

// Makes the two bits of a host agree: one that is set breaks the promise of both, and one that is
// unknown leaves both unknown.
void join_bad_news(const Plan& plan, const RetpolineBits& group, HostPromises& host);

}  // namespace poolcpuid::merge
