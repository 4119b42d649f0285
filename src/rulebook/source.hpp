// A rulebook as its files say it: names instead of numbers, and a place for every entry.
//
// The first of three steps (parse, lint, flatten). Parsing checks the shape of each entry; what
// entries say about each other is lint's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/registers.hpp"
#include "poolcpuid/vmm_version.hpp"
#include "rulebook/entry_parser.hpp"

namespace poolcpuid::rulebook {

struct Place {
    std::string file;
    std::size_t line = 0;
};

struct SubleafRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

struct SourceBit {
    std::uint8_t bit = 0;
    std::string field;  // empty: always
};

struct SourceChoice {
    std::string condition;
    std::uint32_t value = 0;
};

struct SourceDerive {
    std::string how;
    LeafKey from;
    Register reg = Register::eax;
    std::string condition;
    std::uint32_t then_value = 0;
    std::uint32_t else_value = 0;
    std::uint32_t msr = 0;
    std::uint32_t default1 = 0;
    std::vector<SourceBit> bits;
    std::vector<SourceChoice> choices;
};

struct SourceEasing {
    std::string field;
    std::string impact;
};

struct SourceMade {
    std::string by;
    std::vector<std::string> vendors;  // empty: those of the field
    std::vector<std::vector<std::string>> where;
    std::vector<std::string> model;
    std::vector<std::vector<std::string>> unsure;
    std::string source;
};

struct SourceMissed {
    std::string unless;
    std::string says;
};

struct SourceRate {
    std::vector<std::string> product;
    std::string per;
    std::string unit;
};

struct SourceField {
    Place place;
    std::string id;
    bool is_msr = false;
    std::uint32_t leaf = 0;
    SubleafRange subleaf;
    Register reg = Register::eax;
    BitRange bits;
    std::vector<std::string> vendors;
    std::string hypervisor;
    std::string rule;
    std::string exposure;
    std::string ask;
    std::string impact;
    std::vector<std::string> mitigation;
    bool required = false;
    bool emulated = false;
    bool by_microcode = false;
    std::vector<std::string> brought_to;
    bool of_identity = false;
    std::string gate;
    std::string implied_by;
    std::string zero_means;
    std::uint32_t assured = 0;
    std::optional<std::uint32_t> known_to;
    std::string wider;
    std::string length_from;
    std::optional<BitRange> allowed_by;
    std::map<std::uint8_t, std::uint8_t> covers;  // bits of the register: which keeps the promise of which
    std::vector<SourceEasing> eased_by;
    std::vector<std::string> hides;
    std::vector<SourceRate> rates;
    std::vector<std::vector<std::string>> guard_immune;
    std::vector<std::string> guard_model;
    std::vector<std::vector<std::string>> guard_told_by;
    std::vector<std::vector<std::string>> guard_heeds;
    std::vector<std::vector<std::string>> guard_in_vain;
    std::optional<SourceMade> made;
    std::optional<SourceMissed> missed;
    std::optional<SourceDerive> derive;
    std::map<std::string, std::string> names;
    NameAge qemu_age;
    std::string why;
    std::string source;
};

struct SourceVendor {
    Place place;
    std::string id;
    std::string name;
    std::vector<std::string> strings;
};

struct SourceByHand {
    std::string option;
    std::vector<std::vector<std::string>> where;
};

struct SourceVulnerability {
    Place place;
    std::string id;
    std::string name;
    std::vector<std::string> vendors{"all"};  // those with a CPU that is affected
    std::vector<SourceByHand> by_hand;
    std::string source;
};

struct SourceHypervisor {
    Place place;
    std::string id;
    std::string name;
    std::string signature;
    std::string interface;
    std::string source;
};

struct SourceDependency {
    Place place;
    std::vector<std::string> prerequisites;
    std::vector<std::string> dependents;
    std::vector<std::string> vendors{"all"};           // of whose CPUs it is so
    bool where_had = false;                            // only of hosts with a prerequisite
    std::map<std::string, std::string> shown_without;  // dependents that real hosts show alone, and why they go
    std::string why;
    std::string source;
};

struct SourceEquality {
    Place place;
    std::string id;
    std::vector<std::string> fields;
    std::vector<std::string> drop;
    bool of_model = false;
    std::string why;
    std::string source;
};

struct SourceRetpoline {
    Place place;
    std::string rsba;
    std::string rrsba;
    std::string eibrs;
    std::string why;
    std::string source;
};

struct SourceLayout {
    std::vector<std::string> vendors;
    std::uint32_t size = 0;
    std::uint32_t offset = 0;
    bool align64 = false;
    std::string source;
};

struct SourceComponent {
    Place place;
    std::string id;
    std::uint8_t bit = 0;
    std::string state;
    std::vector<std::string> features;
    std::vector<SourceLayout> layouts;
    std::string why;
    std::string source;
};

struct SourceMicrocode {
    Place place;
    std::optional<std::uint32_t> from;
    std::optional<std::uint32_t> below;
    std::map<std::string, std::uint32_t> silicon;
    bool recalled = false;
    bool spares_guests = false;
};

struct SourceModel {
    Place place;
    std::string vendor;
    std::uint16_t family = 0;
    std::vector<NumberRange> models;
    std::vector<NumberRange> steppings;
    std::string name;
    std::string microarchitecture;
    std::uint32_t generation = 0;
    std::map<std::string, std::uint32_t> silicon;
    std::vector<SourceMicrocode> microcode;
    std::vector<std::string> immune;
    std::vector<std::string> inferred;
    std::vector<std::string> reported;
    std::vector<std::string> unaware;
    std::vector<std::string> beyond_software;
    std::string source;
};

struct SourceFamily {
    Place place;
    std::string vendor;
    std::uint16_t family = 0;
    std::vector<std::string> inferred;
    std::vector<std::string> unaware;
    std::string source;
};

struct SourceLevel {
    Place place;
    std::string id;
    std::vector<std::string> features;
};

// A baseline of a file of levels/ other than the psABI's: what it has is what `like` has, another of that file before
// it, and `features`, without `without`; of its `numbers` its own count before that one's.
struct SourceBaseline {
    Place place;
    std::string project;  // the name of its file: "qemu"
    std::string id;
    std::string of;       // "QEMU 11.1.3"
    std::string refused;  // why nobody can say what it has; empty: it is said
    std::vector<std::string> vendors;
    std::string like;
    std::vector<std::string> features;
    std::vector<std::string> without;
    std::map<std::string, std::uint32_t> numbers;  // the most that it has of these fields

    // "qemu:Haswell-v4"
    std::string name() const { return project + ":" + id; }
};

struct SourceRulebook {
    std::string version;
    std::map<std::string, std::string> sources;  // key and what it stands for
    std::vector<SourceVendor> vendors;
    std::vector<SourceVulnerability> vulnerabilities;
    std::vector<SourceHypervisor> hypervisors;
    std::vector<SourceField> fields;
    std::vector<SourceDependency> dependencies;
    std::vector<SourceEquality> equality;
    std::vector<SourceRetpoline> retpoline;
    std::uint32_t xsave_legacy_size = 0;
    std::vector<SourceComponent> xsave;
    std::vector<std::vector<std::string>> xsave_together;
    std::vector<SourceModel> models;
    std::vector<SourceFamily> families;
    std::vector<SourceLevel> levels;
    std::vector<SourceBaseline> baselines;
};

// Parses the files. Entries that cannot be read become findings and are left out.
SourceRulebook parse_source(const std::vector<RulebookFile>& files, std::vector<LintFinding>& findings);

// Adds the fields of a leaf or MSR file to out. Throws InputError for what is wrong outside of its entries.
void parse_fields(const RulebookFile& file, const json::Value& document, SourceRulebook& out,
                  std::vector<LintFinding>& findings);

}  // namespace poolcpuid::rulebook
