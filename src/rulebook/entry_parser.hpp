// What the parsers of a rulebook's files share: the words for places, numbers and releases, and that one entry which
// cannot be read does not hide what is wrong with the others.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/located_json.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_version.hpp"

namespace poolcpuid::rulebook {

struct BitRange {
    std::uint8_t low = 0;
    std::uint8_t high = 0;
};

// Runs body; an InputError becomes a finding about that field, or is thrown on where findings is nullptr.
void collect_into(std::vector<LintFinding>* findings, const std::string& field, const std::function<void()>& body);

class EntryParser {
protected:
    // findings: where slips go; nullptr for a file that was linted, in which one is thrown. Both must outlive this.
    EntryParser(const RulebookFile& file, std::vector<LintFinding>* findings) : file_(file), findings_(findings) {}

    void collect(const std::string& field, const std::function<void()>& body) const {
        collect_into(findings_, field, body);
    }

    // Each throws InputError at the value's line.
    const std::string& string_of(const json::Value& value) const;
    std::vector<std::string> strings(const std::vector<json::Value>& values) const;
    std::vector<std::string> optional_strings(json::ObjectReader& reader, std::string_view key) const;
    std::vector<std::vector<std::string>> conditions(const std::vector<json::Value>& lists) const;  // lists of fields
    std::pair<std::uint32_t, std::uint32_t> hex_range(const json::Value& value) const;     // "0x2" or "0x2-0x3f"
    std::vector<NumberRange> number_ranges(const std::vector<json::Value>& values) const;  // of 16 bits
    BitRange bit_range(const json::Value& value, unsigned width) const;                    // "7" or "15:8"
    Register register_of(const json::Value& value) const;
    VmmVersion release(const json::Value& value) const;  // "7.2"

    [[noreturn]] void fail(const json::Value& value, std::string expected) const;

    const RulebookFile& file_;
    std::vector<LintFinding>* findings_;
};

}  // namespace poolcpuid::rulebook
