// The real dumps of tests/corpus: read once for the whole test program, named "instlatx64/FILE".
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::test {

// The directory of real dumps, which is not part of the source: $POOLCPUID_SHARED/corpus, else that of the "shared"
// directory beside the source tree. Where there is none, ctest skips what is tagged [corpus] (tests/lib/with_dumps).
inline std::filesystem::path dump_directory() {
    const char* given = std::getenv("POOLCPUID_SHARED");
    const auto shared =
        given != nullptr ? std::filesystem::path(given) : std::filesystem::path(POOLCPUID_SOURCE_DIR) / ".." / "shared";
    const auto dumps = shared / "corpus";
    if (!std::filesystem::is_directory(dumps)) throw std::runtime_error("no directory " + dumps.string());
    return dumps;
}

inline std::vector<HostDump> read_real_hosts(const std::filesystem::path& directory) {
    std::vector<HostDump> hosts;
    for (const char* source : {"instlatx64", "libcpuid", "libvirt", "firecracker", "cpuid-r"}) {
        for (const auto& entry : std::filesystem::directory_iterator(directory / source)) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(in), {}};
            for (HostDump& host : read_hosts(bytes, entry.path().filename().string())) {
                host.name = std::string(source) + "/" + entry.path().stem().string();
                hosts.push_back(std::move(host));
            }
        }
    }
    std::sort(hosts.begin(), hosts.end(), [](const HostDump& a, const HostDump& b) { return a.name < b.name; });
    return hosts;
}

// Every real host, sorted by name.
inline const std::vector<HostDump>& real_hosts() {
    static const std::vector<HostDump> hosts = read_real_hosts(dump_directory());
    return hosts;
}

// The one host whose name is this, or begins with it.
inline const HostDump& real_host(std::string_view name) {
    const HostDump* found = nullptr;
    for (const HostDump& host : real_hosts()) {
        if (host.name == name) return host;
        if (!host.name.starts_with(name)) continue;
        if (found != nullptr) throw std::runtime_error("more than one dump begins with " + std::string(name));
        found = &host;
    }
    if (found == nullptr) throw std::runtime_error("no dump begins with " + std::string(name));
    return *found;
}

}  // namespace poolcpuid::test
