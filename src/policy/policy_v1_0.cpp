#include "policy/policy_v1_0.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "policy/document_text.hpp"
#include "poolcpuid/finding_code.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

namespace {

// How the reasons of version 1.0 begin. What follows an opening that ends in a space names what is in `on`, up to one
// of these characters.
constexpr std::array<std::pair<std::string_view, Cause>, 10> openings{{
    {"Shown only when asked for with --show.", Cause::not_asked},
    {"Withheld by --ceiling.", Cause::ceiling},
    {"Hidden by --hide.", Cause::hidden},
    {"Set by the operator.", Cause::set},
    {"The hosts do not agree on ", Cause::equality},
    {"Goes with ", Cause::dependency},
    {"Its XSAVE state ", Cause::xsave_state},
    {"Says nothing without ", Cause::gate},
    {"Shown as ", Cause::group},
    {"The same in every policy.", Cause::derived},
}};
constexpr std::string_view state_opening = "The XSAVE state ";
constexpr std::string_view kept_state_opening = "The documented layout of the XSAVE state ";

bool is_id(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

// The ids at the start of text: "a or b or c".
std::vector<std::string> ids_at(std::string_view text) {
    std::vector<std::string> ids;
    for (;;) {
        const auto end = std::find_if_not(text.begin(), text.end(), is_id);
        if (end == text.begin()) return ids;
        ids.emplace_back(text.begin(), end);
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
        constexpr std::string_view next = " or ";
        if (!text.starts_with(next)) return ids;
        text.remove_prefix(next.size());
    }
}

// How many hosts limit a field of which the decision lists the first: " (a, b, c and 5 more)".
std::size_t limiting(const Decision& decision) {
    const std::vector<std::string>& listed = decision.because.names;
    constexpr std::size_t in_sentence = 3;
    if (listed.size() <= in_sentence) return listed.size();
    const std::string start = " (" + listed[0] + ", " + listed[1] + ", " + listed[2] + " and ";
    const std::size_t at = decision.reason.find(start);
    if (at == std::string::npos) return listed.size();
    std::size_t hidden = 0;
    const char* const digits = decision.reason.data() + at + start.size();
    const char* const end = decision.reason.data() + decision.reason.size();
    const char* const after = std::from_chars(digits, end, hidden).ptr;
    const bool is_count = after != digits && std::string_view(after, end).starts_with(" more)");
    return is_count ? std::max(listed.size(), in_sentence + hidden) : listed.size();
}

void read_reason(Decision& decision) {
    decision.because.count = limiting(decision);
    decision.cause = decision.rule == to_string(Rule::derive)     ? Cause::derived
                     : decision.rule == to_string(Rule::identity) ? Cause::identity
                     : decision.rule == to_string(Rule::hide)     ? Cause::never
                                                                  : Cause::hosts;
    for (const auto& [opening, cause] : openings) {
        if (!decision.reason.starts_with(opening)) continue;
        decision.cause = cause;
        if (opening.ends_with(' ')) decision.on = ids_at(std::string_view(decision.reason).substr(opening.size()));
    }
}

bool is_unknown(const ValueOfHosts& value) { return !value.value; }

void read_scrubs(const PoolPolicy& policy, Decision& decision) {
    if (decision.rule != to_string(Rule::guarded) || decision.value == 0) return;
    const bool is_lost = std::any_of(policy.findings.begin(), policy.findings.end(), [&](const Finding& finding) {
        return finding.code == FindingCode("verw-promise-lost") && finding.field == decision.field;
    });
    decision.scrubs = !is_lost && std::none_of(decision.values.begin(), decision.values.end(), is_unknown);
}

// The decisions on one row of the leaf that lays out XSAVE states, of which each was on one register.
struct StateRow {
    Decision* size = nullptr;
    Decision* offset = nullptr;
};

bool is_complete(const std::vector<ValueOfHosts>& values) {
    return std::all_of(values.begin(), values.end(),
                       [](const ValueOfHosts& value) { return value.hosts.size() == value.count; });
}

StatePlace place_at(const std::optional<std::uint64_t>& offset) {
    return {static_cast<std::uint32_t>(offset.value_or(0)), false};
}

std::vector<ValueOfHosts> joined_by_host(const std::vector<ValueOfHosts>& sizes,
                                         const std::vector<ValueOfHosts>& offsets) {
    std::map<std::string, StatePlace> places;
    for (const ValueOfHosts& offset : offsets) {
        for (const std::string& host : offset.hosts) places[host] = place_at(offset.value);
    }
    std::vector<ValueOfHosts> layouts;
    for (const ValueOfHosts& size : sizes) {
        const bool has_place = size.value.value_or(0) != 0;
        std::map<StatePlace, std::vector<std::string>> hosts;
        for (const std::string& host : size.hosts) hosts[has_place ? places[host] : StatePlace{}].push_back(host);
        for (auto& [place, names] : hosts) {
            const std::size_t count = names.size();
            layouts.push_back({size.value, std::move(names), count});
            if (has_place) layouts.back().at = place;
        }
    }
    return layouts;
}

// Lists that are cut off cannot be joined: then only that is told which tells the hosts apart.
std::vector<ValueOfHosts> layouts_of(const StateRow& row) {
    const std::vector<ValueOfHosts>& sizes = row.size->values;
    if (row.offset == nullptr) return sizes;
    if (is_complete(sizes) && is_complete(row.offset->values)) return joined_by_host(sizes, row.offset->values);
    if (sizes.size() != 1) return sizes;
    std::vector<ValueOfHosts> layouts = row.offset->values;
    for (ValueOfHosts& layout : layouts) {
        if (!is_unknown(layout)) layout.at = place_at(layout.value);
        layout.value = sizes.front().value;
    }
    return layouts;
}

std::string state_named_in(const std::string& reason) {
    for (const std::string_view opening : {state_opening, kept_state_opening}) {
        if (!reason.starts_with(opening)) continue;
        const std::vector<std::string> ids = ids_at(std::string_view(reason).substr(opening.size()));
        return ids.empty() ? "" : ids.front();
    }
    return "";
}

Cause cause_of_state(const std::string& reason) {
    const auto says = [&](const char* words) { return reason.find(words) != std::string::npos; };
    if (says(" is laid out differently on the hosts")) return Cause::layout;
    if (says(" stands or falls with another")) return Cause::xsave_state;
    return says(" is not needed by any feature") ? Cause::dependency : Cause::hosts;
}

// One decision a state, on its size; the others are a part of it.
void join_states(std::vector<Decision>& decisions) {
    std::map<LeafKey, StateRow> rows;
    std::set<const Decision*> parts;
    for (Decision& decision : decisions) {
        const std::string state = state_named_in(decision.reason);
        if (state.empty() || decision.place.is_msr || decision.rule != to_string(Rule::equal)) continue;
        StateRow& row = rows[{decision.place.leaf, decision.place.subleaf_first}];
        if (decision.place.reg == Register::eax) {
            row.size = &decision;
            decision.state = state;
            decision.cause = cause_of_state(decision.reason);
            decision.on.clear();
            continue;
        }
        if (decision.place.reg == Register::ebx) row.offset = &decision;
        parts.insert(&decision);
    }
    for (auto& [key, row] : rows) {
        if (row.size != nullptr) row.size->values = layouts_of(row);
    }
    std::erase_if(parts, [&](const Decision* part) {
        return rows[{part->place.leaf, part->place.subleaf_first}].size == nullptr;
    });
    std::vector<Decision> kept;
    for (Decision& decision : decisions) {
        if (!parts.contains(&decision)) kept.push_back(std::move(decision));
    }
    decisions = std::move(kept);
}

}  // namespace

void add_causes(PoolPolicy& policy) {
    policy.older_sha256 = sha256_of(policy);
    policy.minor = 1;
    for (Decision& decision : policy.decisions) {
        read_reason(decision);
        read_scrubs(policy, decision);
    }
    join_states(policy.decisions);
}

}  // namespace poolcpuid
