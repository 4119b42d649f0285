// The releases of QEMU's names in the rulebook against what two QEMUs answered: their lists of properties are kept
// beside the real dumps.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"

namespace poolcpuid::test::qemu_names_test {

using Json = nlohmann::json;

namespace {

// The properties of the model "base" by name, with their values; nothing, with a warning, where there is no list.
std::optional<Json> properties_of(const std::string& release) {
    const auto path = dump_directory().parent_path() / "reference" / ("props-" + release + ".json");
    if (!std::filesystem::is_regular_file(path)) {
        WARN("skipped: no list of the properties of QEMU " + release);
        return std::nullopt;
    }
    std::ifstream in(path);
    return std::make_optional<Json>(Json::parse(in).at("props"));
}

std::map<std::string, NameAge> names_of_qemu() {
    std::map<std::string, NameAge> names;
    for (const Field& field : builtin_rulebook().fields) {
        if (!field.names.qemu.empty()) names.emplace(field.names.qemu, field.names.qemu_age);
    }
    return names;
}

// Another spelling of a property that a field names.
bool is_alias(const std::string& property, const std::map<std::string, NameAge>& names) {
    static const std::map<std::string, std::string> aliases{
        {"ffxsr", "fxsr-opt"}, {"i64", "lm"}, {"pclmuldq", "pclmulqdq"}, {"sse3", "pni"}, {"sse4-1", "sse4.1"},
        {"sse4-2", "sse4.2"},  {"xd", "nx"}};
    std::string name = property;
    std::replace(name.begin(), name.end(), '_', '-');
    if (const auto alias = aliases.find(name); alias != aliases.end()) name = alias->second;
    return name != property && names.contains(name);
}

// What a property sets is no bit of CPUID or of a feature MSR, or a service of a hypervisor that KVM plays.
bool is_no_bit(const std::string& property) {
    static const std::set<std::string> others{"check",
                                              "cpuid-0xb",
                                              "enforce",
                                              "fill-mtrr-mask",
                                              "full-cpuid-auto-level",
                                              "host-phys-bits",
                                              "kvm",
                                              "kvm-pv-enforce-cpuid",
                                              "l3-cache",
                                              "legacy-cache",
                                              "legacy-multi-node",
                                              "lmce",  // of IA32_MCG_CAP, which is the VMM's
                                              "pmu",
                                              "realized",
                                              "start-powered-off",
                                              "tcg-cpuid",
                                              "vmware-cpuid-freq",
                                              "xen-vapic"};
    constexpr std::array<std::string_view, 2> prefixes{"hv-", "x-"};
    return others.contains(property) || std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
               return property.starts_with(prefix);
           });
}

}  // namespace

TEST_CASE("a release of QEMU has the names that the rulebook says it has, and lacks the others", "[qemu]") {
    for (const auto& [text, release] : std::map<std::string, VmmVersion>{{"10.0", {10, 0}}, {"11.1", {11, 1}}}) {
        const auto properties = properties_of(text);
        if (!properties) continue;
        for (const auto& [name, age] : names_of_qemu()) {
            CAPTURE(text, name);
            CHECK(age.known_to(release) == (properties->contains(name) ? Knows::yes : Knows::no));
        }
    }
}

TEST_CASE("every bit that QEMU has a property for is named by a field", "[qemu]") {
    const auto names = names_of_qemu();
    for (const char* release : {"10.0", "11.1"}) {
        const auto properties = properties_of(release);
        if (!properties) continue;
        for (const auto& [property, value] : properties->items()) {
            if (!value.is_boolean()) continue;
            CAPTURE(release, property);
            CHECK((names.contains(property) || is_alias(property, names) || is_no_bit(property)));
        }
    }
}

}  // namespace poolcpuid::test::qemu_names_test
