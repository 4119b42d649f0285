#include "merge/own_policy.hpp"

#include <cstddef>

#include "merge/decisions.hpp"
#include "merge/draft.hpp"
#include "merge/option_names.hpp"
#include "merge/options.hpp"
#include "merge/registers.hpp"
#include "promises/seen_value.hpp"

namespace poolcpuid::merge {

namespace {

// What a host keeps only for a VM that brings it is offered by no VMM there.
promises::Atoms offered_atoms(const promises::HostPromises& host) {
    promises::Atoms atoms = host.atoms;
    for (std::size_t w = 0; w < atoms.words.size(); ++w) atoms.words[w] &= ~host.implied[w];
    return atoms;
}

}  // namespace

promises::HostPromises own_promises(const promises::VendorRules& rules, const promises::HostPromises& host) {
    Draft draft(rules, offered_atoms(host), *host.table);
    apply_options({}, {}, draft);
    draft.close([&](FieldIndex index) { return promises::may_have(rules, host, index); });
    PoolPolicy policy;
    put_rows(render(draft), policy);
    policy.decisions = scrub_decisions(draft);
    return promises_of(rules, policy);
}

}  // namespace poolcpuid::merge
