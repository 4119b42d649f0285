// The parts of a merge that a fleet repeats, one by one: what adding a parsed host costs.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "merge/pool.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "promises/host_promises.hpp"

namespace {

using namespace poolcpuid;

HostDump example(const std::string& path) {
    std::ifstream in(POOLCPUID_SOURCE_DIR "/examples/" + path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    return read_hosts(bytes, path).front();
}

const std::vector<HostDump>& hosts() {
    static const std::vector<HostDump> two{example("qemu-tcg-amd/hosts/EPYC-Rome.txt"),
                                           example("qemu-tcg-amd/hosts/EPYC-Milan.txt")};
    return two;
}

promises::VendorRules amd_rules() { return {builtin_rulebook(), builtin_rulebook().vendor_of("AuthenticAMD").value()}; }

// The meet of a pool's promises with a host's: what the semilattice adds.
void meet(benchmark::State& state) {
    const promises::VendorRules rules = amd_rules();
    promises::Atoms pool = promises::promises_of(rules, hosts()[0]).atoms;
    const promises::Atoms other = promises::promises_of(rules, hosts()[1]).atoms;
    for (auto _ : state) {
        pool.meet(rules, other);
        benchmark::DoNotOptimize(pool);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(meet);

// A host whose content the pool has.
void add_known_content(benchmark::State& state) {
    PoolState pool(builtin_rulebook());
    HostDump host = hosts()[0];
    std::size_t number = 0;
    for (auto _ : state) {
        host.name = "node-" + std::to_string(number++);
        pool.add(host);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(add_known_content)->Iterations(1'000'000);

// A host of another content that promises the same: its views are compared with those that are known.
void add_known_views(benchmark::State& state) {
    PoolState pool(builtin_rulebook());
    HostDump host = hosts()[0];
    std::size_t number = 0;
    for (auto _ : state) {
        host.name = host.sha256 = "node-" + std::to_string(number++);
        pool.add(host);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(add_known_views)->Iterations(100'000);

// A host of another kind: its rows are reduced to promises.
void reduce_host(benchmark::State& state) {
    const promises::VendorRules rules = amd_rules();
    for (auto _ : state) benchmark::DoNotOptimize(promises::promises_of(rules, hosts()[1]));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(reduce_host);

}  // namespace

BENCHMARK_MAIN();
