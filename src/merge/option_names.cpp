#include "merge/option_names.hpp"

#include <charconv>
#include <vector>

#include "policy/document_text.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::merge {

std::uint64_t parse_value(const Field& field, const std::string& text) {
    std::uint64_t value = 0;
    const bool hex = text.starts_with("0x");
    const char* first = text.data() + (hex ? 2 : 0);
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(first, last, value, hex ? 16 : 10);
    if (error != std::errc{} || end != last || first == last) {
        throw UsageError("--set " + std::string(field.id) + ": \"" + text + "\" is not a number");
    }
    if (value > (field.mask() >> field.low)) {
        throw UsageError("--set " + std::string(field.id) + ": " + text + " does not fit into bits " +
                         bits_text(field));
    }
    return value;
}

FieldIndex field_named(const promises::VendorRules& rules, const std::string& name, const char* option) {
    const Rulebook& rulebook = rules.rulebook();
    std::vector<FieldIndex> found;
    const FieldIndex exact = rulebook.find(name);
    if (exact != no_field) {
        found.push_back(exact);
    } else {
        found = rulebook.find_any_name(name);
        std::erase_if(found, [&](FieldIndex index) { return !rules.applies(rulebook[index]); });
    }
    const std::string where = std::string(option) + " " + name + ": ";
    if (found.empty()) {
        throw UsageError(where + "no field of this vendor has that name" +
                         rulebook::did_you_mean(rulebook, rules.vendor_mask(), name) + " (see poolcpuid rules list)");
    }
    if (found.size() > 1) {
        std::string ids;
        for (const FieldIndex index : found) ids += " " + std::string(rulebook[index].id);
        throw UsageError(where + "more than one field has that name:" + ids);
    }
    const Field& field = rulebook[found.front()];
    if (!rules.applies(field)) throw UsageError(where + "not a field of this pool's vendor");
    return found.front();
}

}  // namespace poolcpuid::merge
