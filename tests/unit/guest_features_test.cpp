// What a guest reads as there, by name, and its level of the x86-64 psABI.

#include <algorithm>
#include <string>
#include <vector>

#include "poolcpuid/guest_cpu.hpp"
#include "poolcpuid/guest_features.hpp"
#include "tests/catch.hpp"
#include "tests/support/host_builder.hpp"
#include "tests/support/merged.hpp"

namespace poolcpuid::test::guest_features_test {

namespace {

const Rulebook& rules = builtin_rulebook();

// What x86-64-v2 and -v3 ask for beyond a 64-bit host, with the XSAVE state of AVX.
TableBuilder v2_table() { return intel_table().set(1, 0, ecx, 0x00982201).set(0x80000001, 0, ecx, 0x1); }

TableBuilder v3_table() {
    return v2_table()
        .set(1, 0, ecx, 0x34401000)           // FMA, MOVBE, XSAVE, AVX, F16C
        .set(7, 0, ebx, 0x00000128)           // BMI1, AVX2, BMI2
        .set(0x80000001, 0, ecx, 0x00000020)  // LZCNT
        .row(0xD, 0, {0x7, 0x340, 0x340, 0})
        .row(0xD, 2, {0x100, 0x240, 0, 0});
}

PoolPolicy merged_policy(const TableBuilder& table) { return Merged({hardware_host("a", table)}).policy; }

std::string level(const PoolPolicy& policy) {
    const Level* found = level_of(rules, policy);
    return found == nullptr ? "none" : std::string(found->id);
}

Names features(const PoolPolicy& policy) {
    Names ids;
    for (const FieldIndex index : guest_features(rules, policy)) ids.emplace_back(rules[index].id);
    return ids;
}

bool has(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("the level is the highest of which every feature is there, with those below", "[guest_features]") {
    CHECK(level(merged_policy(intel_table())) == "x86-64-v1");
    CHECK(level(merged_policy(v2_table())) == "x86-64-v2");
    CHECK(level(merged_policy(v3_table())) == "x86-64-v3");
    // A feature that a lower level asks for keeps the higher ones away.
    CHECK(level(merged_policy(v3_table().clear(1, 0, ecx, 1U << 13))) == "x86-64-v1");  // CMPXCHG16B
    PoolPolicy nothing = merged_policy(intel_table());
    nothing.cpuid.clear();
    CHECK(level(nothing) == "none");
}

TEST_CASE("what is missing for a level is told in the rulebook's order", "[guest_features]") {
    const GuestCpu guest = guest_cpu_of(rules, merged_policy(v3_table().clear(7, 0, ebx, 0x28)));
    REQUIRE(guest.level != nullptr);
    CHECK(guest.level->id == "x86-64-v2");
    REQUIRE(guest.next != nullptr);
    CHECK(guest.next->id == "x86-64-v3");
    Names missing;
    for (const FieldIndex index : guest.next_missing) missing.emplace_back(rules[index].id);
    CHECK(missing == Names{"bmi1", "avx2"});
}

TEST_CASE("features are single bits that promise or follow, in the rulebook's order", "[guest_features]") {
    const Names ids = features(merged_policy(v3_table()));
    CHECK(has(ids, "avx2"));
    CHECK(has(ids, "cx16"));
    CHECK_FALSE(has(ids, "osxsave"));     // the guest's own switch
    CHECK_FALSE(has(ids, "maxphyaddr"));  // a number
    CHECK_FALSE(has(ids, "xs_align64"));  // a layout
    CHECK_FALSE(has(ids, "avx512f"));
    const auto indices = guest_features(rules, merged_policy(v3_table()));
    CHECK(std::is_sorted(indices.begin(), indices.end()));
    CHECK(std::adjacent_find(indices.begin(), indices.end()) == indices.end());
}

TEST_CASE("bad news is a feature that announces", "[guest_features]") {
    constexpr std::uint32_t genoa = 0x00A10F11;
    const PoolPolicy policy =
        merged_policy(amd_table(genoa).reg(0x80000000, 0, eax, 0x80000028).reg(0x80000021, 0, eax, 0x00062FCF));
    CHECK(has(features(policy), "fs_gs_base_ns"));
    CHECK(is_announcement(rules, rules.find("fs_gs_base_ns")));
    CHECK(is_announcement(rules, rules.find("ac_rsba")));
    CHECK_FALSE(is_announcement(rules, rules.find("avx2")));
}

TEST_CASE("a policy of an unknown vendor has no features", "[guest_features]") {
    PoolPolicy policy = merged_policy(v3_table());
    policy.vendor = "SomebodyElse";
    CHECK(guest_features(rules, policy).empty());
    CHECK(guest_cpu_of(rules, policy).limits.empty());
}

TEST_CASE("limits are the numbers that are not 0", "[guest_features]") {
    const GuestCpu guest = guest_cpu_of(rules, merged_policy(intel_table()));
    const auto at = std::find_if(guest.limits.begin(), guest.limits.end(),
                                 [](const auto& limit) { return rules[limit.first].id == "maxphyaddr"; });
    REQUIRE(at != guest.limits.end());
    CHECK(at->second == 48);
    CHECK(std::none_of(guest.limits.begin(), guest.limits.end(), [](const auto& limit) { return limit.second == 0; }));
}

TEST_CASE("a field goes by its name in each tongue", "[guest_features]") {
    const Field& field = rules[rules.find("sse4_1")];
    CHECK(name_in("poolcpuid", field) == "sse4_1");
    CHECK(name_in("qemu", field) == field.names.qemu);
    CHECK(name_in("vendor", field) == field.names.vendor);
    CHECK(name_in("klingon", field).empty());
}

TEST_CASE("the nearest model of a QEMU is of the policy's CPU, then the one with fewest changes", "[guest_features]") {
    const PoolPolicy policy = merged_policy(v3_table());  // Haswell-EP: family 6, model 63
    QemuModels models;
    models.properties = {"avx2", "aes", "fma", "rtm", "made-up"};
    models.models["old"] = {6, 26, 3, {"fma", "avx2"}, "GenuineIntel"};
    // What the VMM fills in, and what is another vendor's, is no change.
    models.models["same"] = {6, 63, 2, {"fma", "rtm", "made-up", "ht", "hypervisor", "sse4a"}, "GenuineIntel"};
    models.models["same-2"] = {6, 63, 2, {"fma"}, "GenuineIntel"};
    models.models["other-vendor"] = {6, 63, 2, {"fma", "avx2"}, "AuthenticAMD"};
    const auto nearest = nearest_qemu_model(rules, policy, models);
    REQUIRE(nearest);
    CHECK(nearest->name == "same-2");
    CHECK(nearest->add == Names{"avx2"});
    CHECK(nearest->remove.empty());
    models.models.erase("same-2");
    CHECK(nearest_qemu_model(rules, policy, models)->remove == Names{"rtm"});
    models.models.erase("same");
    models.models.erase("old");
    CHECK_FALSE(nearest_qemu_model(rules, policy, models));
}

}  // namespace poolcpuid::test::guest_features_test
