// What QEMU gives guests though the host's KVM does not list it (targets/qemu.json, "adds"): nothing has to be forced.

#include <string>
#include <vector>

#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::qemu_adds_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t ice_lake = 0x000606A6;
constexpr std::uint32_t sapphire_rapids = 0x000806F8;
constexpr std::uint32_t x87 = 1U << 6 | 1U << 13;  // leaf 7, EBX: what the silicon does anyway
constexpr std::uint32_t ibrs = 3U << 26;           // leaf 7, EDX: IBRS and STIBP
constexpr std::uint32_t arch_caps = 1U << 29;
// Of IA32_ARCH_CAPABILITIES.
constexpr std::uint64_t mds_no = 0x20;
constexpr std::uint64_t taa_no = 0x100;
constexpr std::uint64_t mmio_no = 0xE000;  // SBDR_SSDP_NO, FBSDP_NO, PSDP_NO
constexpr std::uint64_t psdp_no = 0x8000;
constexpr std::uint64_t fb_clear = 0x20000;
constexpr std::uint64_t eibrs = 0x2;  // without, guests are told RSBA, which KVM lists nowhere

HostDump host(const std::string& name, std::uint32_t signature, std::uint64_t caps) {
    const TableBuilder table = intel_table(signature).reg(7, 0, ebx, x87).reg(7, 0, edx, arch_caps | ibrs);
    const auto msrs = msr_list(MsrList::value, caps | eibrs);
    return with_hypervisor(hardware_host(name, std::vector{table}, msrs), table, msrs);
}

// The advice for a host with these capabilities, in a pool that tells guests of FB_CLEAR.
std::string advice(std::uint64_t caps, VmmVersion release) {
    const HostDump there = host("there", sapphire_rapids, caps);
    const Merged pool({host("told", ice_lake, mds_no | taa_no | fb_clear), there});
    REQUIRE(value_of(pool, "ac_fb_clear") == 1);
    RenderOptions options;
    options.hosts = {there};
    options.qemu = QemuFacts{};
    options.qemu->version = release;
    const Rendering rendering = render_policy(builtin_rulebook(), pool.policy, "qemu", options);
    REQUIRE(rendering.hosts.size() == 1);
    return rendering.hosts.front().advice;
}

}  // namespace

TEST_CASE("QEMU gives FB_CLEAR by itself on hosts with all five immunities", "[render]") {
    const std::uint64_t immune = mds_no | taa_no | mmio_no;
    CHECK_THAT(advice(immune, {11, 1}), Contains("this QEMU gives there what it can be told"));
    CHECK_THAT(advice(immune, {10, 2}), Contains("this QEMU gives"));
    CHECK_THAT(advice(immune, {10, 0}), Contains("x-force-features=on"));
    CHECK_THAT(advice(immune & ~psdp_no, {11, 1}), Contains("x-force-features=on"));
}

}  // namespace poolcpuid::test::qemu_adds_test
