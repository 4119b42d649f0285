#include "merge/own_policy.hpp"

#include <cstddef>

#include "merge/decisions.hpp"
#include "merge/draft.hpp"
#include "merge/options.hpp"
#include "merge/registers.hpp"

namespace poolcpuid::merge {

namespace {

// What a host keeps only for a VM that brings it is offered by no VMM there.
Atoms offered_atoms(const HostPromises& host) {
    Atoms atoms = host.atoms;
    for (std::size_t w = 0; w < atoms.words.size(); ++w) atoms.words[w] &= ~host.implied[w];
    return atoms;
}

}  // namespace

HostPromises own_promises(const Plan& plan, const HostPromises& host) {
    Draft draft(plan, offered_atoms(host), *host.table);
    apply_options({}, {}, draft);
    draft.close();
    PoolPolicy policy;
    put_rows(render(draft), policy);
    policy.decisions = scrub_decisions(draft);
    return promises_of(plan, policy);
}

}  // namespace poolcpuid::merge
