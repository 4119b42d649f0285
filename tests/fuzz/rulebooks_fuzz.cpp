// Any bytes as the files of a rulebook: findings, or a rulebook with which hosts can be merged and every verb asked.
//
// A file a section, named as in policy/. The seeds are whole rulebooks with every kind of entry, but small ones: to
// check the built-in one takes a third of a second under the sanitizers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/pool_state.hpp"
#include "require.hpp"
#include "sections.hpp"
#include "tests/support/host_builder.hpp"
#include "verbs.hpp"

using namespace poolcpuid;
using fuzz::require;

namespace {

std::vector<RulebookFile> files_of(const fuzz::Sections& sections) {
    std::vector<RulebookFile> files;
    for (const fuzz::Section& file : sections.files) {
        files.push_back({std::string(file.name), std::string(file.bytes)});
    }
    const auto by_path = [](const RulebookFile& a, const RulebookFile& b) { return a.path < b.path; };
    const auto is_same = [](const RulebookFile& a, const RulebookFile& b) { return a.path == b.path; };
    std::stable_sort(files.begin(), files.end(), by_path);
    files.erase(std::unique(files.begin(), files.end(), is_same), files.end());
    return files;
}

// Hosts that have something in each kind of the seeds' fields, and differ.
std::vector<HostDump> hosts_for_rulebooks() {
    using test::hardware_host;
    constexpr auto eax = Register::eax;
    constexpr auto ebx = Register::ebx;
    constexpr auto ecx = Register::ecx;
    constexpr auto edx = Register::edx;
    test::TableBuilder one = test::intel_table(0x00050654);
    one.reg(7, 0, ebx, 0x2E30400F).reg(7, 0, ecx, 0x0108).reg(7, 0, edx, 0x9B).reg(7, 1, eax, 1);
    one.row(0xD, 0, {0x27, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0}).row(0xD, 5, {0x40, 0x340, 0, 0});
    test::TableBuilder two = test::intel_table(0x00050655);
    two.reg(7, 0, ebx, 0x40284003).reg(7, 0, ecx, 0x0204).reg(7, 0, edx, 0x18);
    two.row(0xD, 0, {7, 0x340, 0x340, 0}).row(0xD, 2, {0x100, 0x240, 0, 0});
    const std::vector<MsrRow> of_one{{0x10A, 0x20}, {0x480, 0xFF00000016}};
    const std::vector<MsrRow> of_two{{0x10A, 0x80004}, {0x480, 0x7F00000017}};
    return {hardware_host("one", std::vector{one}, of_one), hardware_host("two", std::vector{two}, of_two),
            test::with_hypervisor(hardware_host("three", std::vector{one}, of_two), two)};
}

PoolPolicy merged(const Rulebook& rulebook, const std::vector<HostDump>& hosts) {
    PoolState state(rulebook);
    for (const HostDump& host : hosts) state.add(host);
    MergeOptions options;
    if (std::any_of(rulebook.fields.begin(), rulebook.fields.end(),
                    [](const Field& field) { return field.ask == "nested"; })) {
        options.show = {"nested"};
    }
    return state.finish(options);
}

void check_document(const PoolPolicy& policy) {
    const std::string text = to_json(policy);
    require(to_json(read_policy(text, "policy")) == text, "a policy reads back as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<HostDump> hosts = hosts_for_rulebooks();
    const fuzz::Sections sections = fuzz::sections_of({reinterpret_cast<const char*>(data), size});
    const LoadResult loaded = load_rulebook(files_of(sections));
    for (const LintFinding& finding : loaded.findings) require(!finding.text().empty(), "a finding says something");
    if (!loaded.findings.empty()) return 0;
    const Rulebook& rulebook = loaded.rulebook.view();
    try {
        const PoolPolicy policy = merged(rulebook, hosts);
        check_document(policy);
        const PoolPolicy alone = merged(rulebook, {hosts.front()});
        for (const fuzz::Verb verb : fuzz::verbs()) verb({rulebook, policy, alone, hosts});
    } catch (const NoPolicyError&) {  // a vendor or a required field that no host has
    }
    return 0;
}
