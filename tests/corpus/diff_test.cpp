// The difference of real hosts whose answers are known.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::diff_test {

namespace {

// "gains 0x0 0x1", or "same".
std::string change(const Difference& difference, const std::string& field) {
    for (const FieldChange& one : difference.changes) {
        if (one.field == field) return std::string(to_string(one.direction)) + " " + one.before + " " + one.after;
    }
    return "same";
}

// Place, both values, and whether a promise changed, in an order that does not depend on the direction.
std::multiset<std::tuple<BitPlace, std::string, std::string, std::string, bool>> values_of(const Difference& difference,
                                                                                           bool reversed) {
    std::multiset<std::tuple<BitPlace, std::string, std::string, std::string, bool>> values;
    for (const FieldChange& one : difference.changes) {
        const std::string& first = reversed ? one.after : one.before;
        const std::string& second = reversed ? one.before : one.after;
        // That a bit asks for VERW is news, and that it does so no more is none where hosts may need VERW.
        const bool has_mirror = one.rule != to_string(Rule::guarded);
        values.emplace(one.place, one.field, first, second, has_mirror && one.direction == Direction::none);
    }
    return values;
}

using Fields = std::set<std::string>;

// The fields whose promise a running guest of the first side would lose on the second.
Fields broken_by(const Difference& difference) {
    Fields fields;
    for (const FieldChange& one : difference.changes) {
        if (breaks_promise(one.direction)) fields.insert(one.field);
    }
    return fields;
}

Fields broken_by(const Verdict& verdict) {
    Fields fields;
    for (const Violation& violation : verdict.violations) fields.insert(violation.field);
    return fields;
}

// The host's own policy, or nothing where there is none.
std::optional<PoolPolicy> policy_of(const HostDump& host) {
    try {
        PoolState state(builtin_rulebook());
        state.add(host);
        return state.finish({});
    } catch (const NoPolicyError&) {
        return std::nullopt;
    }
}

}  // namespace

TEST_CASE("Rome against Genoa, and back", "[corpus][diff]") {
    const HostDump& rome = real_host("instlatx64/AuthenticAMD0830F10_K17_Rome");
    const HostDump& genoa = real_host("instlatx64/AuthenticAMD0A10F11_K19_Genoa_02");
    const Difference newer = differences(builtin_rulebook(), rome, genoa);
    CHECK_FALSE(newer.equal_registers);
    CHECK(change(newer, "fs_gs_base_ns") == "relaxes 0x0 0x1");
    CHECK(change(newer, "pku") == "gains 0x0 0x1");
    CHECK(change(newer, "avx512f") == "gains 0x0 0x1");
    CHECK(change(newer, "maxphyaddr") == "gains 0x30 0x34");
    CHECK(change(newer, "xsave state pkru") == "gains none 8 bytes at 2432");  // Rome has it and no feature with it
    const Difference older = differences(builtin_rulebook(), genoa, rome);
    CHECK(change(older, "fs_gs_base_ns") == "gains 0x1 0x0");
    CHECK(change(older, "pku") == "loses 0x1 0x0");
    CHECK(change(older, "avx512f") == "loses 0x1 0x0");
    CHECK(change(older, "maxphyaddr") == "loses 0x34 0x30");
}

TEST_CASE("Genoa under two kernels: features come with the kernel, the silicon's bad news do not", "[corpus][diff]") {
    const Difference difference = differences(builtin_rulebook(), real_host("firecracker/fingerprint_AMD_GENOA_5.10"),
                                              real_host("firecracker/fingerprint_AMD_GENOA_6.18"));
    CHECK_FALSE(difference.equal_registers);
    CHECK(change(difference, "auto_ibrs") == "gains 0x0 0x1");
    CHECK(change(difference, "ibpb_brtype") == "gains 0x0 0x1");
    // Linux 5.10 hides the bit; the model table knows better.
    CHECK(change(difference, "fs_gs_base_ns") == "none 0x0 0x1");
}

TEST_CASE("no real host differs from itself, and the reverse of every difference is its mirror", "[corpus][diff]") {
    const HostDump* last = nullptr;
    std::size_t hosts = 0;
    for (const HostDump& host : real_hosts()) {
        if (!is_in_part(hosts)) continue;
        const auto vendor = vendor_string(host.first_table());
        if (!vendor || !builtin_rulebook().vendor_of(*vendor)) continue;
        INFO(host.name);
        const Difference self = differences(builtin_rulebook(), host, host);
        CHECK(self.equal_registers);
        CHECK(self.changes.empty());
        if (last != nullptr) {
            const Difference there = differences(builtin_rulebook(), *last, host);
            const Difference back = differences(builtin_rulebook(), host, *last);
            CHECK(values_of(there, false) == values_of(back, true));
            CHECK(there.equal_registers == back.equal_registers);
        }
        last = &host;
    }
}

TEST_CASE("from a host or its own policy to a host, the changes that break a promise are the violations of check",
          "[corpus][diff]") {
    std::size_t pairs = 0;
    std::size_t broken = 0;
    std::size_t number = 0;
    std::size_t hosts = 0;
    constexpr std::size_t stride = 5;
    for (const HostDump& a : real_hosts()) {
        if (!is_in_part(hosts)) continue;
        const std::optional<PoolPolicy> policy = policy_of(a);
        if (!policy) continue;
        const PolicyCheck check(builtin_rulebook(), *policy);
        for (const HostDump& b : real_hosts()) {
            if (number++ % stride != 0 || vendor_string(b.first_table()) != policy->vendor) continue;
            INFO(a.name << " on " << b.name);
            const Fields violations = broken_by(check.against(b));
            CHECK(broken_by(differences(builtin_rulebook(), *policy, b)) == violations);
            CHECK(broken_by(differences(builtin_rulebook(), a, b)) == violations);
            ++pairs;
            broken += violations.empty() ? 0U : 1U;
        }
    }
    CHECK(pairs > broken);
    CHECK(broken > 1000 / stride / law_divisor());
}

}  // namespace poolcpuid::test::diff_test
