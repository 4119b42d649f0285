#include "tests/cli/support/sample_hosts.hpp"

#include <array>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid::test {

namespace {

constexpr std::uint32_t base_features = 0x178BFBFF;    // leaf 1 EDX: everything from FPU to SSE2
constexpr std::uint32_t vector_features = 0x36F83203;  // leaf 1 ECX: SSE3 to AVX, XSAVE, without OSXSAVE

HostDump host_of(const std::string& name, std::vector<CpuidRow> rows) {
    HostDump host;
    host.name = name;
    host.hardware.emplace();
    host.hardware->cpus.push_back({0, {std::move(rows), {}}});
    return host;
}

// The row for key, made where there is none.
Registers& row(CpuidTable& table, LeafKey key) {
    const auto at = std::lower_bound(table.rows.begin(), table.rows.end(), key,
                                     [](const CpuidRow& candidate, LeafKey wanted) { return candidate.key < wanted; });
    if (at != table.rows.end() && at->key == key) return at->value;
    return table.rows.insert(at, {key, {}})->value;
}

}  // namespace

HostDump amd_host(const std::string& name) {
    return host_of(name, {{{0x0, 0x0}, {0xD, 0x68747541, 0x444D4163, 0x69746E65}},
                          {{0x1, 0x0}, {0x00A00F11, 0x00000800, vector_features, base_features}},
                          {{0x7, 0x0}, {0x0, 0x00000129, 0x0, 0x0}},
                          {{0xD, 0x0}, {0x7, 0x340, 0x340, 0x0}},
                          {{0xD, 0x2}, {0x100, 0x240, 0x0, 0x0}},
                          {{0x80000000, 0x0}, {0x80000021, 0x68747541, 0x444D4163, 0x69746E65}},
                          {{0x80000001, 0x0}, {0x00A00F11, 0x0, 0x00000001, 0x2FD3FBFF}},
                          {leaf_8000_0008, {0x00003030, 0x0, 0x0, 0x0}},
                          {leaf_8000_0021, {0x00000008, 0x0, 0x0, 0x0}}});
}

HostDump intel_host(const std::string& name) {
    return host_of(name, {{{0x0, 0x0}, {0xD, 0x756E6547, 0x6C65746E, 0x49656E69}},
                          {{0x1, 0x0}, {0x00050654, 0x00000800, vector_features, base_features}},
                          {{0x7, 0x0}, {0x0, 0x00000129, 0x0, 0x0}},
                          {{0xD, 0x0}, {0x7, 0x340, 0x340, 0x0}},
                          {{0xD, 0x2}, {0x100, 0x240, 0x0, 0x0}},
                          {{0x80000000, 0x0}, {0x80000008, 0x0, 0x0, 0x0}},
                          {{0x80000001, 0x0}, {0x0, 0x0, 0x00000001, 0x2C100800}},
                          {leaf_8000_0008, {0x0000302E, 0x0, 0x0, 0x0}}});
}

HostDump with_bit(HostDump host, LeafKey key, Register reg, unsigned bit, bool set) {
    for (LogicalCpu& cpu : host.hardware->cpus) {
        std::uint32_t& value = row(cpu.cpuid, key)[reg];
        value = set ? value | (1U << bit) : value & ~(1U << bit);
    }
    return host;
}

HostDump with_register(HostDump host, LeafKey key, Register reg, std::uint32_t value) {
    for (LogicalCpu& cpu : host.hardware->cpus) row(cpu.cpuid, key)[reg] = value;
    return host;
}

std::string document(const HostDump& host) { return to_host_json(host); }

std::string document_line(const HostDump& host) {
    return nlohmann::ordered_json::parse(to_host_json(host)).dump() + "\n";
}

std::string nameless_document(const HostDump& host) {
    auto json = nlohmann::ordered_json::parse(to_host_json(host));
    json.erase("name");
    return json.dump(2) + "\n";
}

HostDump svm_host(const std::string& name) {
    const LeafKey svm{0x8000000A, 0};
    HostDump host = with_bit(amd_host(name), {0x80000001, 0}, Register::ecx, 2, true);
    return with_register(with_register(std::move(host), svm, Register::eax, 1), svm, Register::ebx, 0x8000);
}

HostDump vmx_host(const std::string& name) {
    HostDump host = with_bit(intel_host(name), {0x1, 0x0}, Register::ecx, 5, true);
    host.hardware->msrs.emplace();
    const std::array<std::uint64_t, 18> of_haswell{0xDA040000000004,
                                                   0x7F00000016,
                                                   0xFFF9FFFE0401E172,
                                                   0x1FFFFFF00036DFF,
                                                   0x3FFFF000011FF,
                                                   0x7004C1E7,
                                                   0x80000021,
                                                   0xFFFFFFFF,
                                                   0x2000,
                                                   0x3767FF,
                                                   0x2E,
                                                   0x515CEF00000000,
                                                   0xF0106734141,
                                                   0x7F00000016,
                                                   0xFFF9FFFE04006172,
                                                   0x1FFFFFF00036DFB,
                                                   0x3FFFF000011FB,
                                                   0x1};
    std::uint32_t index = 0x480;
    for (const std::uint64_t value : of_haswell) host.hardware->msrs->push_back({index++, value});
    return host;
}

}  // namespace poolcpuid::test
