// Any bytes as one file of a rulebook: findings, never an exception. The first byte chooses the file.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "poolcpuid/load_rulebook.hpp"
#include "tests/unit/small_rulebook.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace poolcpuid;
    constexpr std::array paths{"cpuid/0x7.json",       "msr/0x10a.json",          "rulebook.json",
                               "dependencies.json",    "equality.json",           "xsave.json",
                               "models.json",          "levels/x86-64.json",      "targets/firecracker.json",
                               "targets/libvirt.json", "targets/qemu.json",       "targets/xen.json",
                               "targets/proxmox.json", "targets/virtualbox.json", "targets/vmware.json",
                               "levels/qemu.json"};
    if (size == 0) return 0;
    const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::vector<RulebookFile> files{{"cpuid/0x0.json", test::small_leaf_0}, {paths.at(data[0] % paths.size()), bytes}};
    if (files.back().path != "rulebook.json") {
        files.push_back({"rulebook.json", R"({"version": "1", "vendors": [{"id": "intel", "name": "Intel",
                         "strings": ["GenuineIntel"]}], "sources": {}})"});
    }
    const LoadResult result = load_rulebook(files);
    for (const LintFinding& finding : result.findings) (void)finding.text();
    return 0;
}
