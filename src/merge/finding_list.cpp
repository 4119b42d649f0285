#include "merge/finding_list.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/lists.hpp"
#include "promises/seen_value.hpp"
#include "promises/table_values.hpp"

namespace poolcpuid::merge {

std::vector<Finding> FindingList::take_sorted() {
    const auto key = [](const Finding& f) { return std::tie(f.severity, f.code, f.field, f.message); };
    std::sort(findings_.begin(), findings_.end(), [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
    return std::move(findings_);
}

void FindingList::add(FindingCode code, std::string message, HostList hosts, std::string field) {
    // A note on a dump may come from anybody: nothing says what one costs whose severity is by case.
    const Severity severity = code.severity().value_or(Severity::note);
    findings_.push_back({severity, std::string(code), std::move(message), std::move(field), std::move(hosts)});
}

void FindingList::add_by_case(Severity severity, CodeByCase code, std::string message, HostList hosts,
                              std::string field) {
    findings_.push_back({severity, std::string(code.code()), std::move(message), std::move(field), std::move(hosts)});
}

HostList FindingList::list_of(const VariantSet& variants) const { return hosts_of(variants, in_.most_names); }

HostList FindingList::hosts_where(const std::function<bool(const Variant&)>& which) const {
    return list_of(variants_where(in_.variants, which));
}

HostList FindingList::hosts(const std::function<bool(const promises::HostPromises&)>& which) const {
    return hosts_where([&](const Variant& variant) { return !variant.is_ceiling && which(*variant.promises); });
}

std::vector<FieldIndex> FindingList::fields_with(const std::vector<std::uint64_t>& masks) const {
    std::vector<FieldIndex> found;
    if (std::all_of(masks.begin(), masks.end(), [](std::uint64_t mask) { return mask == 0; })) return found;
    for (const FieldIndex index : rules().fields()) {
        const Field& field = rulebook()[index];
        const auto word = rules().find_word(index, field.subleaf_first);
        if (!word || (masks[*word] & field.mask()) == 0 || in_.draft.is_out_of_sight(index)) continue;
        found.push_back(index);
    }
    return found;
}

std::string FindingList::ids_of(const std::vector<FieldIndex>& fields, std::size_t most) const {
    std::vector<std::string> ids;
    for (const FieldIndex index : fields) ids.emplace_back(rulebook()[index].id);
    return short_list(ids, most);
}

bool FindingList::brings(const Variant& variant, FieldIndex index) const {
    return promises::brought_value(rules(), *variant.promises, index, rulebook()[index].subleaf_first).value != 0;
}

}  // namespace poolcpuid::merge
