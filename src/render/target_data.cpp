#include "render/target_data.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <tuple>

#include "base/hex.hpp"
#include "render/builtin_targets.hpp"

namespace poolcpuid::render {

namespace {

using json::Value;

// The files are compiled into the program and tested with it: what is wrong with one is a slip of its author.
[[noreturn]] void fail(const Value& value, const std::string& expected) {
    throw InputError("policy/targets", value.line(), expected, json::describe(value));
}

std::pair<std::uint32_t, std::uint32_t> hex_range(const Value& value) {
    const std::string& text = value.text();
    const std::size_t dash = text.find('-');
    const auto first = from_hex(std::string_view(text).substr(0, dash), 8);
    const auto last = dash == std::string::npos ? first : from_hex(std::string_view(text).substr(dash + 1), 8);
    if (!first || !last || *first > *last) fail(value, "\"0xN\" or \"0xN-0xM\"");
    return {static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*last)};
}

std::uint8_t bit_number(const Value& value, std::string_view text) {
    unsigned bit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bit);
    if (error != std::errc{} || end != text.data() + text.size() || bit > 63) fail(value, "bits \"N\" or \"HIGH:LOW\"");
    return static_cast<std::uint8_t>(bit);
}

Register register_of(const Value& value) {
    for (const Register reg : all_registers) {
        if (value.text() == to_string(reg)) return reg;
    }
    fail(value, "a register");
}

std::string text_or_empty(const Value& entry, std::string_view key) {
    const Value* value = entry.find(key);
    return value == nullptr ? std::string() : value->text();
}

}  // namespace

DataPlace place_of(const Value& entry) {
    DataPlace place;
    const Value* msr = entry.find("msr");
    place.is_msr = msr != nullptr;
    const Value* leaf = place.is_msr ? msr : entry.find("leaf");
    if (leaf == nullptr) fail(entry, "an entry with leaf or msr");
    std::tie(place.leaf_first, place.leaf_last) = hex_range(*leaf);
    if (const Value* subleaf = entry.find("subleaf")) {
        std::tie(place.subleaf_first, place.subleaf_last) = hex_range(*subleaf);
    }
    if (const Value* reg = entry.find("register")) {
        place.registers = {register_of(*reg)};
    } else if (place.is_msr) {
        place.registers = {Register::eax};
    } else {
        place.registers = {Register::eax, Register::ebx, Register::ecx, Register::edx};
    }
    place.high = place.is_msr ? 63 : 31;
    if (const Value* bits = entry.find("bits")) {
        const std::string_view text = bits->text();
        const std::size_t colon = text.find(':');
        place.high = bit_number(*bits, text.substr(0, colon));
        place.low = colon == std::string_view::npos ? place.high : bit_number(*bits, text.substr(colon + 1));
    }
    return place;
}

std::uint64_t DataPlace::mask() const noexcept { return bit_mask(low, high); }

BitPlace DataPlace::first() const noexcept {
    return {is_msr, leaf_first, subleaf_first, subleaf_first, registers.front(), low, high};
}

merge::RegisterPlace DataPlace::first_register() const noexcept {
    return {is_msr, {leaf_first, subleaf_first}, registers.front()};
}

bool DataPlace::covers(const Field& field, std::uint32_t subleaf) const {
    if (field.is_msr != is_msr || (field.mask() & ~mask()) != 0) return false;
    return is_msr ? has_row({field.leaf, 0}) : has({field.leaf, subleaf}, field.reg);
}

json::Value target_document(std::string_view name) {
    for (const BuiltinTarget& target : builtin_targets()) {
        if (target.name == name) return json::parse(target.document, "policy/targets/" + std::string(name) + ".json");
    }
    throw std::logic_error("no data for the target " + std::string(name));
}

Releases releases_of(const Value& entry) {
    const auto version = [&](std::string_view key) -> std::optional<VmmVersion> {
        const Value* value = entry.find(key);
        if (value == nullptr) return std::nullopt;
        const auto parsed = parse_version(value->text());
        if (!parsed) fail(*value, "a release: \"7.2\"");
        return parsed;
    };
    return {version("since"), version("until")};
}

std::vector<FixedBits> fixed_bits(const Value& document) {
    std::vector<FixedBits> all;
    const Value* entries = document.find("fixed");
    if (entries == nullptr) return all;
    for (const Value& entry : entries->items()) {
        FixedBits bits;
        bits.place = place_of(entry);
        bits.vendors = strings_of(entry, "vendors");
        bits.releases = releases_of(entry);
        if (const Value* value = entry.find("value")) bits.value = json::hex_of(*value, "policy/targets", 16);
        bits.condition = text_or_empty(entry, "if");
        bits.accelerator = text_or_empty(entry, "accel");
        bits.why = text_or_empty(entry, "why");
        all.push_back(std::move(bits));
    }
    return all;
}

std::vector<FixedBits> fixed_rows(const Value& array, const std::string& why) {
    std::vector<FixedBits> all;
    for (const Value& row : array.items()) {
        for (const Register reg : all_registers) {
            const Value* value = row.find(to_string(reg));
            if (value == nullptr) continue;
            FixedBits bits;
            bits.place = place_of(row);
            bits.place.registers = {reg};
            bits.vendors = strings_of(row, "vendors");
            bits.releases = releases_of(row);
            if (const Value* leaf = row.find("if_leaf")) bits.if_leaf = hex_range(*leaf).first;
            bits.value = json::hex_of(*value, "policy/targets", 8);
            bits.why = why;
            all.push_back(std::move(bits));
        }
    }
    return all;
}

std::vector<FeatureWord> feature_words(const Value& document) {
    std::vector<FeatureWord> words;
    for (const Value& entry : document.find("words")->items()) {
        words.push_back({entry.find("name")->text(), place_of(entry)});
    }
    return words;
}

std::vector<std::string> strings_of(const Value& document, std::string_view key) {
    std::vector<std::string> result;
    if (const Value* entries = document.find(key)) {
        for (const Value& entry : entries->items()) result.push_back(entry.text());
    }
    return result;
}

bool is_for(const std::vector<std::string>& vendors, std::string_view vendor) {
    return vendors.empty() || std::find(vendors.begin(), vendors.end(), vendor) != vendors.end();
}

}  // namespace poolcpuid::render
