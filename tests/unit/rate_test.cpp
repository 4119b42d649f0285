// An invariant TSC promises one rate: true in a pool whose hosts have one, or can scale to one.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::rate_test {

using Catch::Contains;

namespace {

constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t milan = 0x00A00F11;
constexpr std::uint32_t invariant = 1U << 8;  // leaf 80000007h, EDX

TableBuilder with_invtsc(TableBuilder table) {
    return table.reg(0x80000000, 0, eax, 0x80000008).row(0x80000007, 0, {0, 0, 0, invariant});
}

// Of leaf 15h: denominator, numerator, and the crystal's frequency in Hz.
HostDump host(const std::string& name, std::uint32_t den, std::uint32_t num, std::uint32_t hz) {
    return hardware_host(name, with_invtsc(intel_table(skylake)).reg(0, 0, eax, 0x15).row(0x15, 0, {den, num, hz, 0}));
}

MergeOptions shown() {
    MergeOptions options;
    options.show = {"invtsc"};
    return options;
}

std::string told(const std::vector<HostDump>& hosts) {
    const Merged pool(hosts, shown());
    REQUIRE(value_of(pool, "invtsc") == 1);
    const Finding* finding = pool.finding("rate-not-one", "invtsc");
    if (finding == nullptr) return "nothing";
    CHECK(finding->severity == Severity::warning);
    const std::string start = "known to have: ";
    const auto from = finding->message.find(start) + start.size();
    return finding->message.substr(from, finding->message.find(". Pin") - from);
}

bool has_note(const std::string& target, const PoolPolicy& policy, const std::string& text) {
    const auto notes = render_policy(builtin_rulebook(), policy, target, {}).notes;
    return std::any_of(notes.begin(), notes.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("merge says where hosts are not known to have one rate of the TSC", "[rate]") {
    constexpr std::uint32_t crystal = 25000000;
    const HostDump one = host("one", 2, 144, crystal);
    const HostDump alike = host("alike", 1, 72, crystal);
    const HostDump faster = host("faster", 2, 180, crystal);
    const HostDump silent = host("silent", 2, 144, 0);
    CHECK(told({one, alike}) == "nothing");
    CHECK(told({one, faster}) == "1800000 kHz on one; 2250000 kHz on faster");
    CHECK(told({one, silent}) == "not told by the dump of silent; 1800000 kHz on one");
    CHECK(told({silent, host("other", 2, 180, 0)}) == "not told by the dump of other and silent");
    CHECK(told({silent}) == "nothing");  // no other host to go to
    // Where nobody asked for it no guest counts on it.
    CHECK(Merged({one, faster}).finding("rate-not-one") == nullptr);
}

TEST_CASE("a virtual machine tells its rate in leaf 40000010h", "[rate]") {
    const auto guest = [](const std::string& name, std::uint32_t khz) {
        return hardware_host(name, with_invtsc(amd_table(milan)).row(0x40000010, 0, {khz, 0, 0, 0}));
    };
    CHECK(told({guest("one", 2000000), guest("other", 2000000)}) == "nothing");
    CHECK(told({guest("one", 2000000), guest("other", 2500000)}) == "2000000 kHz on one; 2500000 kHz on other");
}

TEST_CASE("render says what a VM with an invariant TSC needs before it can be moved", "[rate]") {
    const PoolPolicy policy = Merged({host("one", 2, 144, 25000000)}, shown()).policy;
    CHECK(has_note("qemu", policy, "tsc-frequency=HZ"));
    CHECK(has_note("libvirt", policy, "<timer name='tsc' frequency='HZ'/>"));
    CHECK(has_note("kvm", policy, "KVM_SET_TSC_KHZ"));
    const PoolPolicy without = Merged({host("one", 2, 144, 25000000)}).policy;
    for (const char* target : {"qemu", "libvirt", "kvm"}) CHECK_FALSE(has_note(target, without, "invtsc"));
}

}  // namespace poolcpuid::test::rate_test
