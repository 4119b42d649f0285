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

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/policy.hpp"
#include "promises/host_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

// Hosts of one content.
struct HostGroup {
    std::string sha256;
    std::string format;
    HostFacts facts;
    std::shared_ptr<const promises::HostPromises> promises;
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
    std::shared_ptr<const promises::HostPromises> promises;
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

// The group that lends the identity: that of the digest requested or, where that is empty, the one whose model ranks
// least (rulebook::LenderRank), then the one whose dump says most of what an identity is, then the least digest.
// nullptr when there is none of that digest.
const HostGroup* choose_identity(const HostGroups& groups, const std::string& requested);

}  // namespace poolcpuid::merge
