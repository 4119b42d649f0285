// Who is shown what: the fields that guests see of a policy only because somebody asked (the rulebook's `exposure`).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "poolcpuid/rulebook.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::merge {

class Shown {
public:
    // What guests are shown where these fields are asked for. Linear in the rulebook.
    Shown(const promises::VendorRules& rules, const std::set<FieldIndex>& asked);
    // The same of the options of a policy. What the rulebook does not know was not asked for by it.
    Shown(const promises::VendorRules& rules, const RecordedOptions& options);

    // Whether guests are not shown the field since nobody asked for it. Constant.
    bool is_unasked(FieldIndex field) const { return unasked_.contains(field); }

    // Whether it is among those that were asked for, rather than shown with another. Logarithmic.
    bool is_asked(FieldIndex field) const { return asked_.contains(field); }

private:
    std::set<FieldIndex> asked_;
    std::set<FieldIndex> unasked_;
};

// The fields that name means as --show takes it and RecordedOptions have it: those of a group (Field::ask), or else the
// one of that id. Linear in the rulebook.
std::vector<FieldIndex> fields_shown_by(const Rulebook& rulebook, const std::string& name);

// Whether name is that of a group of fields. Linear in the rulebook.
bool is_group_to_show(const Rulebook& rulebook, const std::string& name);

}  // namespace poolcpuid::merge
