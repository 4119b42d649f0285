// Small host documents that the tests of dump readers and writers share, and the errors they expect.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::test {

// Leaves 0 and 1 of an invented AMD CPU whose maximum basic leaf is 7.
inline const std::string leaf_0 =
    R"({"leaf": "0x0", "subleaf": "0x0", "eax": "0x7", "ebx": "0x68747541", "ecx": "0x444d4163", "edx": "0x69746e65"})";
inline const std::string leaf_1 =
    R"({"leaf": "0x1", "subleaf": "0x0", "eax": "0xa10f11", "ebx": "0x0", "ecx": "0x1", "edx": "0x2"})";
inline const std::string intel_leaf_0 =
    R"({"leaf": "0x0", "subleaf": "0x0", "eax": "0x7", "ebx": "0x756e6547", "ecx": "0x6c65746e", "edx": "0x49656e69"})";

// The members of a logical CPU or a hypervisor view that has leaves 0 and 1 and extra rows.
inline std::string cpuid_member(const std::string& extra = "") {
    return R"("cpuid": [)" + leaf_0 + ", " + leaf_1 + (extra.empty() ? "" : ", " + extra) + "]";
}

inline std::string document(const std::string& views, const std::string& more = "") {
    return R"({"schema": "poolcpuid/host/v1", "views": {)" + views + "}" + (more.empty() ? "" : ", " + more) + "}";
}

// A host with one logical CPU; members are added to that CPU after "cpuid".
inline std::string one_cpu(const std::string& extra_rows = "", const std::string& members = "") {
    return R"("hardware": {"cpus": [{"cpu": 0, )" + cpuid_member(extra_rows) + (members.empty() ? "" : ", " + members) +
           "}]}";
}

// The message of the InputError that reading bytes throws; empty when it throws none.
inline std::string refusal(std::string_view bytes, std::string_view file = "host.json") {
    try {
        read_hosts(bytes, file);
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

inline HostDump read_host(std::string_view bytes, std::string_view file = "host.json") {
    const auto hosts = read_hosts(bytes, file);
    if (hosts.size() != 1) throw std::runtime_error("not one host");
    return hosts.front();
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace poolcpuid::test
