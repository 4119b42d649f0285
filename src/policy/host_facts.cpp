#include <algorithm>
#include <iterator>

#include "dump/virtual_machine.hpp"
#include "policy/cpu_kinds.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid {

void HostList::add(const HostList& others, std::size_t most) {
    const auto old = static_cast<std::ptrdiff_t>(names.size());
    names.insert(names.end(), others.names.begin(), others.names.end());
    std::inplace_merge(names.begin(), std::next(names.begin(), old), names.end());
    names.resize(std::min(names.size(), most));
    count += others.count;
    for (const auto& [cpu, with_it] : others.cpus) cpus[cpu] += with_it;
}

void add_cpu(const Rulebook& rulebook, const HostDump& host, CpuNames& cpus) {
    const auto cpu = cpu_of(rulebook, *cpu_kinds(rulebook, host).front().table);
    if (cpu) cpus.insert_or_assign(host.name, short_text(*cpu));
}

HostList list_of(const std::vector<std::string>& names, const CpuNames& cpus) {
    HostList hosts{names, names.size()};
    for (const std::string& name : names) {
        const auto cpu = cpus.find(name);
        if (cpu == cpus.end()) return {names, names.size()};
        ++hosts.cpus[cpu->second];
    }
    return hosts;
}

CpuCounts cpus_of(const PoolPolicy& policy) {
    CpuCounts cpus;
    for (const HostClass& host : policy.hosts) {
        if (host.facts.cpu) cpus[short_text(*host.facts.cpu)] += host.count;
    }
    return cpus;
}

CpuNames cpu_names_of(const PoolPolicy& policy) {
    CpuNames cpus;
    for (const HostClass& host : policy.hosts) {
        if (!host.facts.cpu) continue;
        for (const std::string& name : host.names) cpus.emplace(name, short_text(*host.facts.cpu));
    }
    return cpus;
}

Deciders deciders_of(const Decision& decision) {
    if (decision.because_unknown.count == 0) return {decision.because, {}};
    return {decision.because_known, decision.because_unknown};
}

HostFacts facts_of(const Rulebook& rulebook, const HostDump& host) {
    HostFacts facts;
    facts.cpu = cpu_of(rulebook, *cpu_kinds(rulebook, host).front().table);
    facts.microcode = microcode_revision(host);
    const auto kernel = host.meta.find("kernel");
    if (kernel != host.meta.end()) facts.kernel = kernel->second;
    if (host.hypervisor) facts.vmm = host.hypervisor->name;
    facts.is_virtual = dump::taken_in(host) == dump::TakenIn::virtual_machine;
    return facts;
}

}  // namespace poolcpuid
