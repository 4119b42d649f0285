#include "example_files.hpp"

#include <string>

#include "os/read_file.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::fuzz {

namespace {

std::string bytes_of(const std::string& path) {
    constexpr std::size_t most = std::size_t{1} << 20;
    return os::read_regular_file(POOLCPUID_SOURCE_DIR "/examples/" + path, most);
}

}  // namespace

std::vector<HostDump> example_hosts() {
    std::vector<HostDump> hosts;
    for (const char* path :
         {"intel-haswell-skylake/hosts/haswell-1.txt", "intel-haswell-skylake/hosts/ivybridge-1.json",
          "intel-haswell-skylake/hosts/skylake-1.json", "amd-zen/hosts/genoa-1.txt", "amd-zen/hosts/milan-1.txt",
          "amd-zen/hosts/rome-1.json"}) {
        for (HostDump& host : read_hosts(bytes_of(path), path)) hosts.push_back(std::move(host));
    }
    return hosts;
}

PoolPolicy example_policy() {
    PoolState state(builtin_rulebook());
    for (const HostDump& host : example_hosts()) {
        if (vendor_string(host.first_table()) == "GenuineIntel") state.add(host);
    }
    return state.finish({});
}

}  // namespace poolcpuid::fuzz
