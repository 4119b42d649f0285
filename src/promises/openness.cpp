#include "promises/openness.hpp"

#include <algorithm>
#include <set>

#include "promises/seen_value.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::promises {

namespace {

// True when the host shows each bit that hypervisors make where a model is immune to this.
bool shows_immunity(const VendorRules& rules, const HostPromises& host, std::string_view vulnerability) {
    bool any = false;
    for (const FieldIndex index : rules.fields()) {
        if (!rulebook::lists(rules.rulebook()[index].made.model, vulnerability)) continue;
        if (!keeps_bits(rules, host, index)) return false;
        any = true;
    }
    return any;
}

}  // namespace

bool is_open_to(const VendorRules& rules, const HostPromises& host, std::string_view vulnerability) {
    const auto is_open = [&](const Silicon& silicon) {
        return silicon.model != nullptr && !rulebook::lists(silicon.model->immune, vulnerability);
    };
    return host.any_silicon(is_open) && !shows_immunity(rules, host, vulnerability);
}

bool is_known_open(const VendorRules& rules, const HostPromises& host, List<Text> immunities) {
    return host.has_hardware_view &&
           std::any_of(immunities.begin(), immunities.end(),
                       [&](std::string_view vulnerability) { return is_open_to(rules, host, vulnerability); });
}

bool may_be_open_to(const VendorRules& rules, const HostPromises& host, std::string_view vulnerability) {
    const auto may_be_open = [&](const Silicon& silicon) {
        const rulebook::Beliefs known = rulebook::beliefs_on(silicon.model, silicon.family);
        return !rulebook::lists(known.immune, vulnerability) &&
               (silicon.model != nullptr || !rulebook::lists(known.unaware, vulnerability));
    };
    return host.any_silicon(may_be_open) && !shows_immunity(rules, host, vulnerability);
}

std::vector<std::string> open_unknown_to_guests(const VendorRules& rules, const HostPromises& lender,
                                                const HostPromises& host) {
    const rulebook::Beliefs shown = rulebook::beliefs_on(lender.silicon.model, lender.silicon.family);
    std::set<std::string> open;
    const auto add_those_of = [&](const Silicon& silicon) {
        for (const std::string_view id :
             rulebook::claims_beyond(shown, rulebook::beliefs_on(silicon.model, silicon.family))) {
            const bool is_sought = !rulebook::lists(shown.unaware, id);
            if (is_sought || may_be_open_to(rules, host, id)) open.emplace(id);
        }
    };
    add_those_of(host.silicon);
    for (const Silicon& silicon : host.other_silicon) add_those_of(silicon);
    return {open.begin(), open.end()};
}

}  // namespace poolcpuid::promises
