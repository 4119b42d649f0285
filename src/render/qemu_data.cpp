#include "render/qemu_data.hpp"

namespace poolcpuid::render {

namespace {

VmmVersion version_of(const json::Value& entry, std::string_view key) {
    return parse_version(entry.find(key)->text()).value();
}

std::optional<NameAge> age_of(const json::Value& entry) {
    if (entry.find("since") == nullptr) return std::nullopt;
    return NameAge{version_of(entry, "since"), std::nullopt};
}

}  // namespace

QemuData::QemuData() {
    const json::Value document = target_document("qemu");
    oldest = version_of(document, "oldest");
    for (const json::Value& entry : document.find("numbers")->items()) {
        const json::Value* condition = entry.find("if");
        const json::Value* zero = entry.find("says_zero");
        numbers.push_back({entry.find("property")->text(), place_of(entry),
                           condition == nullptr ? std::string() : condition->text(), zero != nullptr && zero->boolean(),
                           age_of(entry)});
    }
    for (const json::Value& entry : document.find("switches")->items()) {
        switches.push_back({entry.find("property")->text(), place_of(entry).leaf_first, age_of(entry)});
    }
    brand = place_of(*document.find("brand"));
    of_host = place_of(*document.find("of_host"));
    always = strings_of(document, "always");
    always_kvm = strings_of(document, "always_kvm");
    defaults = strings_of(document, "defaults");
    for (const json::Value& entry : document.find("copies")->items()) {
        copies.push_back(
            {place_of(entry), place_of(*entry.find("from")), strings_of(entry, "vendors"), releases_of(entry)});
    }
    copied_bits_for = strings_of(document, "copied_bits_for");
    compacted_size = place_of(*document.find("compacted_size"));
    tcg_xsave_layout = document.find("tcg_xsave_layout")->text();
    tcg_xsave_unplaced = strings_of(document, "tcg_xsave_unplaced");
    for (const json::Value& entry : document.find("tcg_xsave_states")->items()) {
        tcg_xsave_states.push_back({releases_of(entry), strings_of(entry, "states")});
    }
    fixed = fixed_bits(document);
    const json::Value& described = *document.find("caches");
    const std::string why = "QEMU describes the caches of the base model.";
    caches_until = version_of(described, "until");
    caches = fixed_rows(*described.find("rows"), why);
    without_l3 = fixed_rows(*described.find("rows_without_l3"), why);
}

}  // namespace poolcpuid::render
