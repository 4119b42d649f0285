// sees_avx2 DUMP...: whether a guest that may run on all these hosts sees AVX2, and who keeps it from that.
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>

#include "poolcpuid/policy_registers.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"

int main(int argc, char** argv) try {
    const poolcpuid::Rulebook& rulebook = poolcpuid::builtin_rulebook();
    poolcpuid::PoolState pool(rulebook);
    for (int i = 1; i < argc; ++i) {
        std::ifstream file(argv[i], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        for (const poolcpuid::HostDump& host : poolcpuid::read_hosts(bytes, argv[i])) pool.add(host);
    }
    const poolcpuid::PoolPolicy policy = pool.finish({});
    const poolcpuid::Field& avx2 = rulebook[rulebook.find("avx2")];
    const bool sees = poolcpuid::PolicyRegisters(policy).value(avx2) != 0;
    std::cout << (sees ? "The guest sees AVX2.\n" : "The guest does not see AVX2.\n");
    for (const poolcpuid::Decision& decision : policy.decisions) {
        if (decision.field != avx2.id) continue;
        for (const std::string& host : decision.because.names) std::cout << host << " limits it.\n";
    }
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
