// The smallest rulebook that uses every kind of entry, and passes lint: what tests of lint break.
//
// Every entry stands on a line of its own, so a finding's line is that of the text which was changed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"

namespace poolcpuid::test {

inline const std::string small_head = R"({"version": "test",
 "vendors": [
  {"id": "intel", "name": "Intel", "strings": ["GenuineIntel"]},
  {"id": "amd", "name": "AMD", "strings": ["AuthenticAMD"]}
 ],
 "vulnerabilities": [
  {"id": "leak", "name": "A leak", "source": "T"},
  {"id": "spill", "name": "A spill", "source": "T"}
 ],
 "retpoline": [
  {"rsba": "rsba", "rrsba": "rrsba", "eibrs": "eibrs", "why": "W.", "source": "T"}
 ],
 "sources": {"T": "these tests"}}
)";

inline const std::string small_leaf_0 = R"({"leaf": "0x0", "title": "Vendor",
 "fields": [
  {"id": "last", "subleaf": "0x0", "register": "eax", "bits": "31:0", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "max_leaf"}, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "vendor_ebx", "subleaf": "0x0", "register": "ebx", "bits": "31:0", "vendors": ["all"], "rule": "equal", "exposure": "default", "required": true, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "vendor_ecx", "subleaf": "0x0", "register": "ecx", "bits": "31:0", "vendors": ["all"], "rule": "equal", "exposure": "default", "required": true, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "vendor_edx", "subleaf": "0x0", "register": "edx", "bits": "31:0", "vendors": ["all"], "rule": "equal", "exposure": "default", "required": true, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";

inline const std::string small_leaf_7 = R"({"leaf": "0x7", "title": "Features",
 "fields": [
  {"id": "top", "subleaf": "0x0", "register": "eax", "bits": "31:0", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "max_subleaf"}, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "base", "subleaf": "0x0", "register": "ebx", "bits": "0", "names": {"qemu": {"name": "q-base", "since": "9.0"}}, "vendors": ["all"], "rule": "intersect", "exposure": "default", "required": true, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "addon", "subleaf": "0x0", "register": "ebx", "bits": "1", "names": {"qemu": {"name": "q-addon", "since": "11.0", "absent": "9.2"}}, "vendors": ["all"], "rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "extra", "subleaf": "0x0", "register": "ebx", "bits": "2", "vendors": ["all"], "rule": "intersect", "exposure": "default", "implied_by": "base", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "relaxed", "subleaf": "0x0", "register": "ebx", "bits": "3", "vendors": ["all"], "rule": "union", "exposure": "default", "impact": "security", "why": "W.", "source": "T"},
  {"id": "line_size", "subleaf": "0x0", "register": "ebx", "bits": "15:8", "vendors": ["all"], "rule": "equal", "exposure": "default", "impact": "wrong-result", "why": "W.", "source": "T"},
  {"id": "width", "subleaf": "0x0", "register": "ebx", "bits": "23:16", "vendors": ["all"], "rule": "min", "exposure": "default", "zero_means": "0x24", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "longest", "subleaf": "0x0", "register": "ebx", "bits": "31:24", "vendors": ["all"], "rule": "max", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "length", "subleaf": "0x0", "register": "ecx", "bits": "7:0", "vendors": ["all"], "rule": "min", "exposure": "default", "zero_means": "width", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "events", "subleaf": "0x0", "register": "ecx", "bits": "15:8", "vendors": ["all"], "rule": "union", "exposure": "default", "length_from": "length", "impact": "performance", "why": "W.", "source": "T"},
  {"id": "scrubs", "subleaf": "0x0", "register": "edx", "bits": "0", "vendors": ["all"], "rule": "guarded", "exposure": "default", "guard": {"immune": [["no_leak"], ["!addon", "extra"]], "model": ["leak"]}, "impact": "security", "why": "W.", "source": "T"},
  {"id": "virtual", "subleaf": "0x0", "register": "edx", "bits": "1", "vendors": ["all"], "rule": "intersect", "exposure": "asked", "ask": "nested", "gate": "base", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "secret", "subleaf": "0x0", "register": "edx", "bits": "2", "vendors": ["all"], "rule": "hide", "exposure": "never", "impact": "cosmetic", "why": "W.", "source": "T"},
  {"id": "of_intel", "subleaf": "0x0", "register": "edx", "bits": "3", "names": {"qemu": {"name": "q-shared", "since": "7.2"}}, "vendors": ["intel"], "rule": "intersect", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "of_amd", "subleaf": "0x0", "register": "edx", "bits": "3", "names": {"qemu": {"name": "q-shared", "since": "7.2"}}, "vendors": ["amd"], "rule": "union", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "offer", "subleaf": "0x0", "register": "edx", "bits": "4", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "msr_offered", "index": "0x10a"}, "impact": "security", "why": "W.", "source": "T"},
  {"id": "sizes", "subleaf": "0x0", "register": "edx", "bits": "15:8", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "select", "if": "addon", "then": "0x39", "else": "0x30"}, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "many", "subleaf": "0x1-0x3f", "register": "eax", "bits": "31:0", "vendors": ["all"], "rule": "owned", "exposure": "default", "impact": "cosmetic", "why": "W.", "source": "T"}
 ]}
)";

inline const std::string small_leaf_d = R"({"leaf": "0xd", "title": "XSAVE",
 "fields": [
  {"id": "area", "subleaf": "0x0", "register": "ecx", "bits": "31:0", "vendors": ["all"], "rule": "derive", "exposure": "default", "derive": {"how": "xsave_size"}, "impact": "crash", "why": "W.", "source": "T"},
  {"id": "component_size", "subleaf": "0x2-0x3f", "register": "eax", "bits": "31:0", "vendors": ["all"], "rule": "equal", "exposure": "default", "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";

inline const std::string small_msr = R"({"msr": "0x10a", "title": "IA32_ARCH_CAPABILITIES",
 "fields": [
  {"id": "eibrs", "bits": "1", "vendors": ["all"], "rule": "group", "exposure": "default", "impact": "security", "why": "W.", "source": "T"},
  {"id": "rsba", "bits": "2", "vendors": ["all"], "rule": "group", "exposure": "default", "impact": "security", "why": "W.", "source": "T"},
  {"id": "no_leak", "bits": "5", "vendors": ["all"], "rule": "intersect", "exposure": "default", "impact": "security", "why": "W.", "source": "T"},
  {"id": "rrsba", "bits": "19", "vendors": ["all"], "rule": "group", "exposure": "default", "impact": "security", "why": "W.", "source": "T"},
  {"id": "high", "bits": "63", "vendors": ["all"], "rule": "hide", "exposure": "never", "impact": "cosmetic", "why": "W.", "source": "T"}
 ]}
)";

inline const std::string small_dependencies = R"({"dependencies": [
  {"prerequisite": "base", "dependents": ["addon"], "why": "W.", "source": "T"},
  {"any_of": ["addon", "extra"], "dependents": ["virtual"], "why": "W.", "source": "T"}
 ]}
)";

inline const std::string small_equality = R"({"groups": [
  {"id": "line", "fields": ["line_size"], "drop": ["extra"], "why": "W.", "source": "T"}
 ]}
)";

inline const std::string small_xsave = R"({"legacy_size": "0x240",
 "components": [
  {"id": "x87", "bit": "0", "state": "legacy", "features": ["base"], "why": "W.", "source": "T"},
  {"id": "avx", "bit": "2", "state": "user", "features": ["addon"], "why": "W.", "source": "T", "layouts": [{"vendors": ["all"], "size": "0x100", "offset": "0x240", "align64": false, "source": "T"}]},
  {"id": "mask", "bit": "5", "state": "user", "features": ["addon"], "why": "W.", "source": "T"}
 ],
 "together": [["avx", "mask"]]}
)";

inline const std::string small_models = R"({"models": [
  {"vendor": "intel", "family": "0x6", "models": ["0x50-0x55"], "steppings": ["0x4"], "name": "Old", "microarchitecture": "Old", "generation": 201501, "silicon": {"relaxed": "0x1"}, "immune": ["leak"], "inferred": ["leak"], "source": "T"},
  {"vendor": "intel", "family": "0x6", "models": ["0x55"], "steppings": ["0x5-0xf"], "name": "New", "microarchitecture": "New", "generation": 201901, "microcode": [{"from": "0x2a", "silicon": {"rrsba": "0x0", "rsba": "0x0"}}, {"below": "0x2a", "silicon": {"rsba": "0x1"}}], "source": "T"},
  {"vendor": "amd", "family": "0x19", "models": ["0x1"], "name": "Milan", "microarchitecture": "Zen 3", "generation": 202103, "source": "T"}
 ],
 "families": [
  {"vendor": "amd", "family": "0x19", "inferred": ["leak"], "source": "T"}
 ]}
)";

inline const std::string small_levels = R"({"levels": [
  {"id": "one", "features": ["base"], "why": "W.", "source": "T"},
  {"id": "two", "features": ["addon"], "why": "W.", "source": "T"}
 ]}
)";

// Sorted by path, as read_rulebook_directory gives them.
inline std::vector<RulebookFile> small_rulebook() {
    return {{"cpuid/0x0.json", small_leaf_0},  {"cpuid/0x7.json", small_leaf_7},
            {"cpuid/0xd.json", small_leaf_d},  {"dependencies.json", small_dependencies},
            {"equality.json", small_equality}, {"levels/x86-64.json", small_levels},
            {"models.json", small_models},     {"msr/0x10a.json", small_msr},
            {"rulebook.json", small_head},     {"xsave.json", small_xsave}};
}

// The only place in text where part stands. Throws when there is none, or a second.
inline std::size_t only_place_of(std::string_view text, std::string_view part) {
    const std::size_t at = text.find(part);
    if (at == std::string_view::npos) throw std::logic_error("not in the file: " + std::string(part));
    if (text.find(part, at + 1) != std::string_view::npos)
        throw std::logic_error("twice in the file: " + std::string(part));
    return at;
}

// The line, from 1, on which the byte at offset stands.
inline std::size_t line_at(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

}  // namespace poolcpuid::test
