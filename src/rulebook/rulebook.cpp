#include "poolcpuid/rulebook.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "rulebook/other_names.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid {

namespace {

char folded(char c) noexcept {
    if (c == '_') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return folded(x) == folded(y); });
}

// The SDM has one name for two bits' worth: "IBRS and IBPB". Each of the two is a name of the field.
bool is_one_of_two(std::string_view both, std::string_view name) noexcept {
    constexpr std::string_view between = " and ";
    const std::size_t at = both.find(between);
    if (at == std::string_view::npos) return false;
    const std::string_view first = both.substr(0, at);
    const std::string_view second = both.substr(at + between.size());
    const bool are_words = first.find(' ') == std::string_view::npos && second.find(' ') == std::string_view::npos;
    return are_words && (same_name(first, name) || same_name(second, name));
}

// What is left of a name without what projects join its parts with: "SSE4.1", "sse4_1" and "SSE41" are one.
std::string bare(std::string_view name) {
    std::string result;
    for (const char c : name) {
        if (folded(c) != '-' && c != '.') result += folded(c);
    }
    return result;
}

// "FIELD[SUBLEAF]", taken apart.
struct InSubleaf {
    std::string_view field;
    std::uint32_t subleaf = 0;
};

std::optional<InSubleaf> in_subleaf(std::string_view name) noexcept {
    const std::size_t open = name.rfind('[');
    if (open == std::string_view::npos || !name.ends_with(']')) return std::nullopt;
    const std::string_view digits = name.substr(open + 1, name.size() - open - 2);
    InSubleaf result{name.substr(0, open), 0};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result.subleaf);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return result;
}

bool spells_vendor(const Field& field) noexcept {
    return !field.is_msr && LeafKey{field.leaf, field.subleaf_first} == vendor_key && field.reg != Register::eax;
}

bool contains(std::span<const NumberRange> ranges, std::uint16_t number) noexcept {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const NumberRange& range) { return range.first <= number && number <= range.last; });
}

}  // namespace

std::string_view to_string(Rule rule) noexcept { return rulebook::word_of(rulebook::rule_words, rule); }
std::string_view to_string(Exposure exposure) noexcept { return rulebook::word_of(rulebook::exposure_words, exposure); }
std::string_view to_string(Impact impact) noexcept { return rulebook::word_of(rulebook::impact_words, impact); }
std::string_view to_string(Makers makers) noexcept {
    return makers == Makers::none ? "none" : rulebook::word_of(rulebook::maker_words, makers);
}

std::vector<VulnerabilityIndex> Rulebook::mitigated_by(const Field& field, VendorMask on) const {
    std::vector<VulnerabilityIndex> found(field.mitigation.begin(), field.mitigation.end());
    std::erase_if(found, [&](VulnerabilityIndex index) { return (vulnerabilities[index].vendors & on) == 0; });
    return found;
}

std::vector<std::string> Rulebook::ids_mitigated_by(const Field& field, VendorMask on) const {
    std::vector<std::string> ids;
    for (const VulnerabilityIndex index : mitigated_by(field, on)) ids.emplace_back(vulnerabilities[index].id);
    return ids;
}

const XsaveComponent* Rulebook::find_state(std::uint32_t bit) const noexcept {
    const auto at =
        std::find_if(xsave.begin(), xsave.end(), [&](const XsaveComponent& state) { return state.bit == bit; });
    return at == xsave.end() ? nullptr : &*at;
}

const HypervisorInterface* Rulebook::find_hypervisor(std::string_view id) const noexcept {
    const auto* const at = std::find_if(hypervisors.begin(), hypervisors.end(),
                                        [&](const HypervisorInterface& entry) { return entry.id == id; });
    return at == hypervisors.end() ? nullptr : at;
}

FieldIndex Rulebook::find(std::string_view id) const noexcept {
    const auto at = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.id == id; });
    return at == fields.end() ? no_field : static_cast<FieldIndex>(at - fields.begin());
}

std::vector<FieldIndex> Rulebook::find_any_name(std::string_view name) const {
    std::vector<FieldIndex> found = rulebook::fields_called(
        *this, [&](std::string_view other) { return same_name(other, name) || is_one_of_two(other, name); });
    const std::string wanted = bare(name);
    if (!found.empty() || wanted.empty()) return found;
    return rulebook::fields_called(*this, [&](std::string_view other) { return bare(other) == wanted; });
}

std::vector<FieldIndex> Rulebook::find_printed_name(std::string_view name) const {
    constexpr std::string_view state = "xsave state ";
    if (name.starts_with(state)) {
        const std::string_view id = name.substr(state.size());
        const auto at = std::find_if(xsave.begin(), xsave.end(), [&](const XsaveComponent& c) { return c.id == id; });
        if (at != xsave.end()) return {at->features.begin(), at->features.end()};
    }
    std::vector<FieldIndex> found;
    if (name == "vendor") {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (spells_vendor(fields[i])) found.push_back(static_cast<FieldIndex>(i));
        }
    } else if (const auto place = in_subleaf(name)) {
        found = find_any_name(place->field);
        std::erase_if(found, [&](FieldIndex index) {
            const Field& field = fields[index];
            return place->subleaf < field.subleaf_first || place->subleaf > field.subleaf_last;
        });
    } else {
        found = find_any_name(name);
    }
    return found;
}

std::optional<std::size_t> Rulebook::vendor_of(std::string_view vendor_string) const noexcept {
    for (std::size_t i = 0; i < vendors.size(); ++i) {
        const auto& strings = vendors[i].strings;
        if (std::find(strings.begin(), strings.end(), vendor_string) != strings.end()) return i;
    }
    return std::nullopt;
}

std::optional<std::size_t> Rulebook::vendor_named(std::string_view id) const noexcept {
    for (std::size_t i = 0; i < vendors.size(); ++i) {
        if (vendors[i].id == id) return i;
    }
    return std::nullopt;
}

VendorMask Rulebook::vendor_mask(std::string_view vendor_string) const noexcept {
    const auto vendor = vendor_of(vendor_string);
    return vendor ? static_cast<VendorMask>(1U << *vendor) : VendorMask{0};
}

const RetpolineBits* Rulebook::retpoline_of(FieldIndex field) const noexcept {
    const auto at = std::find_if(retpoline.begin(), retpoline.end(),
                                 [&](const RetpolineBits& bits) { return bits.is_bad_news(field); });
    return at == retpoline.end() ? nullptr : &*at;
}

const Model* Rulebook::model_of(std::size_t vendor, const Signature& signature) const noexcept {
    const auto at = std::find_if(models.begin(), models.end(), [&](const Model& model) {
        return ((model.vendors >> vendor) & 1U) != 0 && model.family == signature.family &&
               contains(model.models, signature.model) &&
               (model.steppings.empty() || contains(model.steppings, signature.stepping));
    });
    return at == models.end() ? nullptr : &*at;
}

const CpuFamily* Rulebook::family_of(std::size_t vendor, std::uint16_t family) const noexcept {
    const auto at = std::find_if(families.begin(), families.end(), [&](const CpuFamily& entry) {
        return ((entry.vendors >> vendor) & 1U) != 0 && entry.family == family;
    });
    return at == families.end() ? nullptr : &*at;
}

std::string bits_text(const Field& field) {
    if (field.low == field.high) return std::to_string(field.low);
    return std::to_string(field.high) + ":" + std::to_string(field.low);
}

}  // namespace poolcpuid
