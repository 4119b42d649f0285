// Any bytes as a dump: read, merged, written and read again; nothing but the documented errors may come out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/write_hosts.hpp"

using namespace poolcpuid;

namespace {

// Our own document carries everything, so what it says is read back the same.
void check_round_trip(const HostDump& host) {
    const std::string text = to_host_json(host);
    const std::vector<HostDump> again = read_hosts(text, "again");
    if (again.size() != 1 || to_host_json(again.front()) != text) std::abort();
    std::vector<std::string> warnings;
    to_cpuid_r(host, warnings);
}

void merge_all(const std::vector<HostDump>& hosts) {
    PoolState state(builtin_rulebook());
    try {
        for (const HostDump& host : hosts) state.add(host);
        MergeOptions options;
        options.show = {"nested", "pmu"};
        const std::string policy = to_json(state.finish(options));
        if (to_json(read_policy(policy, "policy")) != policy) std::abort();
    } catch (const NoPolicyError&) {
    } catch (const InputError&) {  // two hosts of one name
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<HostDump> hosts;
    try {
        hosts = read_hosts({reinterpret_cast<const char*>(data), size}, "input");
    } catch (const InputError&) {
        return 0;
    }
    for (const HostDump& host : hosts) check_round_trip(host);
    // A merge takes most of the time, and other targets merge all that they make: of what is read here, a part.
    constexpr std::size_t merged_of = 8;
    if (size % merged_of == 0) merge_all(hosts);
    return 0;
}
