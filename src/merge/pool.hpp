// The pool's hosts by content, and the questions that decisions and findings ask of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "merge/host_promises.hpp"
#include "merge/vendor_rules.hpp"
#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::merge {

// Hosts of one content.
struct HostGroup {
    std::string sha256;
    std::string format;
    HostFacts facts;
    std::shared_ptr<const HostPromises> promises;
    HostList hosts;  // as many of their names as lists have, once a policy is made
    std::vector<DumpNote> notes;
    bool is_ceiling = false;   // a policy that joined as a host
    std::uint32_t number = 0;  // by which the state's names tell it
};

// The groups in order of digest, so that every walk over them is deterministic.
using HostGroups = std::map<std::string, HostGroup>;

// Hosts that promise the same for the same reasons, whatever their dumps' bytes: groups whose views are
// equal share their HostPromises. A pool of thousands of hosts has a few dozen of these, so questions
// about values are asked of them.
struct Variant {
    std::shared_ptr<const HostPromises> promises;
    HostList hosts;
    bool is_ceiling = false;
    // Where its names stand among those of all variants, sorted: lists of several variants compare numbers, not names.
    std::vector<std::size_t> places{};
    std::shared_ptr<const std::vector<std::string>> all_names{};
};

// The variants of groups whose lists have at most so many names, each with no more.
std::vector<Variant> variants_of(const HostGroups& groups, std::size_t most);

// Some variants of the pool.
using VariantSet = std::set<const Variant*>;

// The variants that satisfy which.
VariantSet variants_where(const std::vector<Variant>& variants, const std::function<bool(const Variant&)>& which);

// The hosts of the variants, which are of one pool, with at most so many names. O(n log n) in the names that the
// variants list.
HostList hosts_of(const VariantSet& variants, std::size_t most);

// What a host's views say, for a map: hosts with equal keys promise the same for the same reasons, whatever the hosts
// are called, however many logical CPUs they have, whatever ids these have, and whatever stands in MSRs that no field
// is of (counters, temperatures). Bytes without a meaning of their own; some kilobytes. Linear in the host's rows.
std::string views_key(const Rulebook& rulebook, const HostDump& host);

// The kernel that makes a host's hypervisor view, where it also has a view of its own silicon; empty: not known.
std::string kernel_of(const HostDump& host);

// What a field is on one host, for decisions.
struct SeenValue {
    bool known = false;
    std::uint64_t value = 0;
    bool modelled = false;  // set or settled by the model table
    bool implied = false;   // no view shows it: implied_by says that it is kept

    friend auto operator<=>(const SeenValue&, const SeenValue&) = default;
};

// The field's value on a host: the meet over the logical CPUs for promises, the first
// CPU's for all else.
SeenValue seen_value(const Plan& plan, const HostPromises& host, FieldIndex field, std::uint32_t subleaf);

// The same, but for what the host keeps for a VM that brings it and offers to none (SeenValue::implied): what the host
// brings into a pool.
SeenValue brought_value(const Plan& plan, const HostPromises& host, FieldIndex field, std::uint32_t subleaf);

// True when the host's silicon has the field and its hypervisor does not offer it.
bool is_withheld(const Plan& plan, const HostPromises& host, FieldIndex field, std::uint32_t subleaf);

// True when the model of one of the host's CPUs, which is known, is not immune to the vulnerability, and the host does
// not show the bits that say so either.
bool is_open_to(const Plan& plan, const HostPromises& host, std::string_view vulnerability);

// What guests that are shown the family and model of lender hold themselves for safe from, or do not look for, and to
// which a CPU of host is open: ids of Rulebook::vulnerabilities, sorted. Nothing where one of the two is of no known
// model.
std::vector<std::string> open_unknown_to_guests(const Plan& plan, const HostPromises& lender, const HostPromises& host);

// The group that lends the identity: that of the digest requested or, where that is empty, the one with the fewest
// model-inferred immunities, then the oldest generation, then the one whose dump says most of what an identity is, then
// the least digest. nullptr when there is none of that digest.
const HostGroup* choose_identity(const HostGroups& groups, const std::string& requested);

}  // namespace poolcpuid::merge
