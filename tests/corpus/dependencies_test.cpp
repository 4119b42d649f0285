// Every edge of dependencies.json against every real host: an edge that silicon or a kernel breaks does not stand
// unless its row says why it does, and a row says so only of what some host shows.

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/support/case_hosts.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/host_views.hpp"

namespace poolcpuid::test::dependencies_test {

namespace {

// The dependents of an edge that a CPU shows while it is known to have none of the prerequisites.
std::vector<std::string> shown_without(const VendorRules& rules, const CpuView& cpu, const DependencyRule& edge) {
    const auto value = [&](const std::string& id) -> std::optional<std::uint64_t> {
        const RuleField* field = rules.find(id);
        return field == nullptr ? 0 : value_in(rules, cpu, *field, field->subleaves.first);  // another vendor's
    };
    const bool is_without = std::all_of(edge.prerequisites.begin(), edge.prerequisites.end(),
                                        [&](const std::string& id) { return value(id) == std::uint64_t{0}; });
    std::vector<std::string> shown;
    for (const std::string& id : edge.dependents) {
        if (is_without && value(id).value_or(0) != 0) shown.push_back(id);
    }
    return shown;
}

std::vector<CpuView> views_of(const HostDump& host) {
    std::vector<CpuView> views;
    if (host.hardware) {
        for (const LogicalCpu& cpu : host.hardware->cpus) views.push_back({&cpu.cpuid, &host.hardware->msrs});
    }
    if (host.hypervisor) views.push_back({&host.hypervisor->cpuid, &host.hypervisor->msrs});
    return views;
}

using Edge = std::pair<std::vector<std::string>, std::string>;  // prerequisites and dependent

}  // namespace

TEST_CASE("an edge that a real host breaks is listed with its reason, and no other is", "[corpus][dependencies]") {
    std::set<Edge> broken;
    std::set<Edge> listed;
    std::size_t checked = 0;
    std::vector<HostDump> hosts = real_hosts();
    hosts.push_back(case_host("c05-milan-noerms-fsrm"));
    for (const HostDump& host : hosts) {
        const std::string vendor = vendor_string(host.first_table()).value_or("");
        if (!builtin_rulebook().vendor_of(vendor)) continue;
        const VendorRules& rules = rules_for(vendor);
        for (const DependencyRule& edge : rules.dependencies) {
            if (edge.where_had) continue;  // of hosts with the prerequisite: those without it may show all
            for (const std::string& id : edge.shown_without) listed.insert({edge.prerequisites, id});
            for (const CpuView& cpu : views_of(host)) {
                ++checked;
                for (const std::string& id : shown_without(rules, cpu, edge)) {
                    broken.insert({edge.prerequisites, id});
                    INFO(host.name << " shows " << id << " without " << edge.prerequisites.front());
                    CHECK(is_listed(edge.shown_without, id));
                }
            }
        }
    }
    CHECK(checked > 10000);
    CHECK(broken == listed);
}

}  // namespace poolcpuid::test::dependencies_test
