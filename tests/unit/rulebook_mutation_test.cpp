// Whatever a person does to a rulebook's files, loading it refuses with findings or accepts, and a merge with what is
// accepted gives a policy or says why there is none. Nothing else is thrown: what each kind of value of a file holds is
// taken away, emptied and replaced by values of other types and odd ones, one of each kind at a time.

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/merged.hpp"
#include "tests/unit/lint_slips.hpp"

namespace poolcpuid::test::rulebook_mutation_test {

namespace {

using Json = nlohmann::ordered_json;

// The kinds of derivation and entry that no other file of the small rulebook has.
const std::string small_vmx = R"({"msr": "0x480", "title": "VMX",
 "fields": [
  {"id": "pins", "bits": "31:0", "vendors": ["intel"], "rule": "union", "exposure": "asked", "ask": "nested", "gate": "virtual", "impact": "crash", "why": "W.", "source": "T"},
  {"id": "may", "bits": "63:32", "vendors": ["intel"], "rule": "intersect", "exposure": "asked", "ask": "nested", "gate": "base", "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";
const std::string small_vmx_derived = R"({"msr": "0x48d", "title": "True VMX",
 "fields": [
  {"id": "true_pins", "bits": "31:0", "vendors": ["intel"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_default1", "from": "0x480", "default1": "0x16"}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";
const std::string small_cr4 = R"({"msr": "0x489", "title": "CR4",
 "fields": [
  {"id": "cr4", "bits": "63:0", "vendors": ["intel"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_cr4_fixed1", "bits": {"0": "base", "8": "always", "23": ["addon", "extra"]}}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";
const std::string small_enum = R"({"msr": "0x48a", "title": "VMCS enumeration",
 "fields": [
  {"id": "vmcs", "bits": "9:1", "vendors": ["intel"], "rule": "derive", "exposure": "default", "derive": {"how": "vmx_vmcs_enum", "choices": [{"if": "base", "value": "0x17"}], "else": "0x2"}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";
const std::string small_leaf_80000001 = R"({"leaf": "0x80000001", "title": "AMD's copy",
 "comment": "A file may have one.",
 "fields": [
  {"id": "copy", "subleaf": "0x0", "register": "edx", "bits": "1", "vendors": ["amd"], "rule": "derive", "exposure": "default", "derive": {"how": "copy_bits", "leaf": "0x7", "subleaf": "0x0", "register": "ebx"}, "impact": "crash", "why": "W.", "source": "T"}
 ]}
)";

std::vector<RulebookFile> whole_rulebook() {
    std::vector<RulebookFile> files = small_rulebook();
    files.insert(files.end(), {{"cpuid/0x80000001.json", small_leaf_80000001},
                               {"msr/0x480.json", small_vmx},
                               {"msr/0x489.json", small_cr4},
                               {"msr/0x48a.json", small_enum},
                               {"msr/0x48d.json", small_vmx_derived}});
    return files;
}

// What takes a value's place. The words are ones that mean something somewhere in a rulebook.
const std::vector<Json>& odd_values() {
    static const std::vector<Json> values{nullptr,
                                          true,
                                          -1,
                                          1e300,
                                          "",
                                          "!",
                                          "all",
                                          "base",
                                          "nobody",
                                          "0xffffffff",
                                          "0x0-0xffffffff",
                                          Json::array(),
                                          Json::array({"nobody"}),
                                          Json::array({Json::array({"!"})}),
                                          Json::object()};
    return values;
}

// The words of a rule, and what is none.
const std::vector<Json>& rules() {
    static const std::vector<Json> words{"intersect", "union", "min",      "max",  "equal", "guarded", "group",
                                         "derive",    "owned", "identity", "hide", "",      nullptr};
    return words;
}

// "/fields//vendors": a place without the numbers of list entries.
std::string kind_of(const Json::json_pointer& place) {
    std::string kind;
    bool digits = false;
    for (const char c : place.to_string()) {
        digits = (digits || kind.ends_with('/')) && c >= '0' && c <= '9';
        if (!digits) kind += c;
    }
    return kind;
}

// One place of each kind that kinds does not have yet, and every field's rule.
std::vector<Json::json_pointer> places_in(const Json& document, std::set<std::string>& kinds,
                                          const std::string& folder) {
    std::vector<Json::json_pointer> places;
    const Json flat = document.flatten();
    for (const auto& [pointer, unused] : flat.items()) {
        for (Json::json_pointer place(pointer);; place = place.parent_pointer()) {
            const bool fresh = kinds.insert(folder + kind_of(place)).second;
            if (fresh || (pointer.ends_with("/rule") && place.to_string() == pointer)) places.push_back(place);
            if (place.empty()) break;
        }
    }
    return places;
}

// Hosts that have something in each kind of the small rulebook's fields, and differ.
std::vector<HostDump> hosts() {
    TableBuilder one = intel_table(0x00050654);
    one.reg(7, 0, ebx, 0x2E30400F).reg(7, 0, ecx, 0x0108).reg(7, 0, edx, 0x9B).reg(7, 1, eax, 1);
    one.row(0xD, 0, {0x27, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0}).row(0xD, 5, {0x40, 0x340, 0, 0});
    TableBuilder other = intel_table(0x00050655);
    other.reg(7, 0, ebx, 0x40284003).reg(7, 0, ecx, 0x0204).reg(7, 0, edx, 0x18);
    other.row(0xD, 0, {7, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0});
    return {hardware_host("one", std::vector{one}, std::vector<MsrRow>{{0x10A, 0x20}, {0x480, 0xFF00000016}}),
            hardware_host("other", std::vector{other}, std::vector<MsrRow>{{0x10A, 0x80004}, {0x480, 0x7F00000017}})};
}

struct Counts {
    int refused = 0;
    int merged = 0;
    int without_policy = 0;
};

// What came of a rulebook, or what was thrown that may not be.
std::string outcome(const std::vector<RulebookFile>& files, const std::vector<HostDump>& pool, Counts& counts) {
    try {
        const LoadResult loaded = load_rulebook(files);
        if (!loaded.findings.empty()) return ++counts.refused, "";
        PoolState state(loaded.rulebook.view());
        for (const HostDump& host : pool) state.add(host);
        MergeOptions options;
        options.show = {"nested"};
        to_json(state.finish(options));
        ++counts.merged;
    } catch (const NoPolicyError&) {
        ++counts.without_policy;
    } catch (const UsageError&) {
        ++counts.without_policy;  // nothing to show any more
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("no change to a rulebook makes anything but findings or a policy", "[rulebook][lint][long]") {
    const std::vector<RulebookFile> clean = whole_rulebook();
    REQUIRE(all_texts(lint(clean)) == "");
    const std::vector<HostDump> pool = hosts();
    Counts counts;
    REQUIRE(outcome(clean, pool, counts) == "");
    REQUIRE(counts.merged == 1);

    std::string thrown;
    std::set<std::string> kinds;
    std::size_t changes = 0;
    for (std::size_t i = 0; i < clean.size(); ++i) {
        const Json document = Json::parse(clean[i].bytes);
        std::vector<RulebookFile> files = clean;
        const auto attempt = [&](const Json& changed, const std::string& what) {
            if (!is_in_part(changes)) return;
            files[i].bytes = changed.dump(1);
            const std::string message = outcome(files, pool, counts);
            if (!message.empty()) thrown += clean[i].path + " " + what + ": " + message + "\n";
        };
        const std::string folder = clean[i].path.substr(0, clean[i].path.find('/'));
        for (const Json::json_pointer& place : places_in(document, kinds, folder)) {
            const bool is_rule = !place.empty() && place.back() == "rule";
            for (const Json& value : is_rule ? rules() : odd_values()) {
                Json changed = document;
                changed[place] = value;
                attempt(changed, place.to_string() + " = " + value.dump());
            }
            if (place.empty()) continue;
            Json changed = document;
            Json& parent = changed[place.parent_pointer()];
            if (parent.is_array()) {
                parent.erase(std::stoul(place.back()));
            } else {
                parent.erase(place.back());
            }
            attempt(changed, place.to_string() + " gone");
        }
    }
    CHECK(thrown == "");
    CHECK(counts.refused > 1000 / static_cast<int>(law_divisor()));
    CHECK(counts.merged > 100 / static_cast<int>(law_divisor()));
}

TEST_CASE("a file of a rulebook that is cut off anywhere is refused", "[rulebook][lint]") {
    const std::vector<RulebookFile> clean = whole_rulebook();
    for (std::size_t i = 0; i < clean.size(); ++i) {
        std::vector<RulebookFile> files = clean;
        const std::size_t end = clean[i].bytes.rfind('}');
        for (std::size_t size = 0; size <= end; size += 7) {
            files[i].bytes = clean[i].bytes.substr(0, size);
            CAPTURE(clean[i].path, size);
            REQUIRE_FALSE(lint(files).empty());
        }
    }
}

}  // namespace poolcpuid::test::rulebook_mutation_test
