#include "merge/identity_findings.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/lists.hpp"
#include "policy/document_text.hpp"
#include "promises/openness.hpp"

namespace poolcpuid::merge {

namespace {

using document::enumerate;

using Ids = std::set<std::string>;

struct WrongBeliefs {
    Ids ids;
    HostList open;     // hosts on which that is not so
    HostList unknown;  // hosts with a CPU of which nothing is known, so that it may not be so
};

// What guests that are shown the lender's family and model hold themselves for safe from, and the hosts that may be
// open to it. A ceiling has no silicon, so it is open to nothing.
WrongBeliefs wrong_beliefs(const DecisionInputs& inputs, const HostGroup& lender) {
    WrongBeliefs wrong;
    for (const Variant& variant : inputs.variants) {
        if (variant.is_ceiling) continue;
        const auto ids = promises::open_unknown_to_guests(inputs.draft.rules(), *lender.promises, *variant.promises);
        if (ids.empty()) continue;
        wrong.ids.insert(ids.begin(), ids.end());
        const bool is_unknown = variant.promises->any_silicon(
            [](const promises::Silicon& silicon) { return silicon.model == nullptr && silicon.family == nullptr; });
        (is_unknown ? wrong.unknown : wrong.open).add(variant.hosts, inputs.most_names);
    }
    return wrong;
}

// Where the beliefs are not so, as the end of a sentence.
std::string where_wrong(const WrongBeliefs& wrong) {
    const std::string unknown = wrong.unknown.count == 0 ? "" : "nobody knows of " + enumerate(wrong.unknown);
    if (wrong.open.count == 0) return ", which " + unknown + ". ";
    return ", which is not so on " + enumerate(wrong.open) + (unknown.empty() ? "" : ", and " + unknown) + ". ";
}

// In the order of ids, which lint holds for known.
std::vector<const Vulnerability*> vulnerabilities(const Rulebook& rulebook, const Ids& ids) {
    std::vector<const Vulnerability*> found;
    for (const std::string& id : ids) {
        for (const Vulnerability& vulnerability : rulebook.vulnerabilities) {
            if (vulnerability.id == id) found.push_back(&vulnerability);
        }
    }
    return found;
}

// Whether the option does anything in guests that are shown the draft: without the bits that its mitigation is made of,
// Linux falls back to another, or to none.
bool works(const ByHand& by_hand, const Draft& draft) {
    const auto holds = [&](const GuardTerm& term) { return draft.present(term.field) != term.negated; };
    return by_hand.where.empty() || promises::any_list_holds(by_hand.where, holds);
}

// What an administrator of the guests can do against what they hold themselves for safe from.
std::string remedy_by_hand(const Draft& draft, const std::vector<const Vulnerability*>& wrong) {
    std::set<std::string> options;
    std::vector<std::string> helpless;
    for (const Vulnerability* vulnerability : wrong) {
        bool is_helpless = true;
        for (const ByHand& by_hand : vulnerability->by_hand) {
            if (!works(by_hand, draft)) continue;
            options.emplace(by_hand.option);
            is_helpless = false;
        }
        if (is_helpless) helpless.emplace_back(vulnerability->name);
    }
    if (options.empty()) return "No option of a guest helps: split the pool.";
    const std::string told =
        "Set the mitigations in the guests by hand (Linux: " + joined({options.begin(), options.end()}, "; ") +
        "), or split the pool.";
    return helpless.empty() ? told : told + " Against " + joined(helpless) + " no option of a guest helps.";
}

}  // namespace

void report_unsafe_identity(FindingList& list, const HostGroups& groups) {
    const DecisionInputs& inputs = list.inputs();
    const WrongBeliefs beliefs = wrong_beliefs(inputs, inputs.identity);
    if (beliefs.ids.empty()) return;
    const auto wrong = vulnerabilities(list.rulebook(), beliefs.ids);
    std::vector<std::string> names;
    for (const Vulnerability* vulnerability : wrong) names.emplace_back(vulnerability->name);
    const std::string lender = inputs.identity.hosts.names.front();
    const HostGroup& usual = *choose_identity(groups, "");
    const bool is_by_choice = wrong_beliefs(inputs, usual).ids.empty();
    std::string message = is_by_choice
                              ? "The family and model of " + lender + " are not safe for the whole pool, as those of " +
                                    usual.hosts.names.front() + " are, which merge takes by itself. From them"
                              : "No family and model is safe for the whole pool. From those of " + lender;
    message += " a guest infers that it is safe from " + joined(names) + where_wrong(beliefs) +
               "`poolcpuid audit POLICY --hosts HOST...` says what else it believes wrongly, and where. ";
    message += is_by_choice ? "Leave --identity out." : remedy_by_hand(list.draft(), wrong);
    HostList exposed = beliefs.open;
    exposed.add(beliefs.unknown, inputs.most_names);
    list.add("no-safe-identity", std::move(message), exposed);
}

}  // namespace poolcpuid::merge
