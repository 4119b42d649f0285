// XAPI's rule over pools of real hosts: a VM starts, resumes and migrates on a host only when its featureset is a
// part of the host's HVM max featureset (is_subset in ocaml/xapi/cpuid_helpers.ml: the AND of both is the VM's).

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/pool_state.hpp"
#include "poolcpuid/render.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"
#include "tests/support/xen_hvm_max.hpp"

namespace poolcpuid::test::xapi_test {

namespace {

struct Member {
    std::string name;
    PoolState state;
    XenHost host;
};

// The hosts by vendor on which Xen could run HVM guests: 64-bit, with VMX or SVM, and seen from the hardware.
std::map<std::string, std::vector<Member>>& vendor_pools() {
    static std::map<std::string, std::vector<Member>> pools = [] {
        std::map<std::string, std::vector<Member>> result;
        for (const HostDump& host : real_hosts()) {
            if (!host.hardware) continue;
            XenHost xen(host);
            if (!std::set<std::string>{"GenuineIntel", "AuthenticAMD", "HygonGenuine"}.contains(xen.vendor())) continue;
            if (!xen.runs_hvm()) continue;
            PoolState state(builtin_rulebook());
            try {
                state.add(host);
                static_cast<void>(state.finish({}));
            } catch (const NoPolicyError&) {
                continue;
            }
            result[xen.vendor()].push_back({host.name, std::move(state), std::move(xen)});
        }
        return result;
    }();
    return pools;
}

XenSet featureset_of(const Rendering& rendering) {
    XenSet set{};
    std::istringstream in(rendering.output.substr(0, rendering.output.find('\n')));
    std::size_t count = 0;
    for (std::string word; std::getline(in, word, '-'); ++count) {
        REQUIRE(word.size() == 8);
        REQUIRE(count < set.size());
        set[count] = static_cast<std::uint32_t>(std::stoul(word, nullptr, 16));
    }
    REQUIRE(count == set.size());
    return set;
}

// The words that the policy promises, without what the VMM fills in.
XenSet words_of(const PoolPolicy& policy) {
    const auto reg = [&](std::uint32_t leaf, std::uint32_t subleaf, Register which) {
        std::uint32_t value = 0;
        for (const CpuidRow& row : policy.cpuid) {
            if (row.key == LeafKey{leaf, subleaf}) value = row.value[which];
        }
        for (const BitPlace& bits : policy.owned) {
            if (!bits.is_msr && bits.leaf == leaf && bits.subleaf_first == subleaf && bits.reg == which) {
                value &= ~static_cast<std::uint32_t>(bits.mask());
            }
        }
        return value;
    };
    std::uint64_t arch_caps = 0;
    for (const MsrRow& row : policy.msrs) {
        if (row.index == 0x10A) arch_caps = row.value.value_or(0);
    }
    return xen_set_of(reg, arch_caps);
}

std::string text_of(const XenSet& set) {
    std::string text;
    for (std::size_t word = 0; word < set.size(); ++word) {
        for (unsigned bit = 0; bit < 32; ++bit) {
            if ((set[word] >> bit & 1U) != 0) text += " " + std::to_string(word) + "*32+" + std::to_string(bit);
        }
    }
    return text;
}

// Holds the rendered policy of the pool against each of its hosts, in both directions.
void judge(const std::vector<const Member*>& members, const XenRelease& release, const MergeOptions& options = {}) {
    PoolState state = members.front()->state;
    for (const Member* member : members) {
        if (member != members.front()) state.combine(member->state);
    }
    PoolPolicy policy;
    try {
        policy = state.finish(options);
    } catch (const NoPolicyError&) {
        return;
    }
    RenderOptions render_options;
    render_options.xen = parse_version(release.name);
    const XenSet set = featureset_of(render_policy(builtin_rulebook(), policy, "xapi", render_options));
    XenSet common;
    common.fill(~0U);
    for (const Member* member : members) {
        const XenSet max = member->host.hvm_max(release);
        XenSet refused{};
        for (std::size_t i = 0; i < set.size(); ++i) {
            refused[i] = set[i] & ~max[i];
            common[i] &= max[i];
        }
        if (refused == XenSet{}) continue;
        std::string pool;
        for (const Member* other : members) pool += other->name + " ";
        FAIL_CHECK("Xen " << release.name << " on " << member->name << " refuses" << text_of(refused)
                          << " in the pool of " << pool);
    }
    // HYPERVISOR and NO_LMSL, whatever the policy.
    CHECK((set[1] >> 31 & 1U) == 1);
    CHECK((set[8] >> 20 & 1U) == 1);
    // What the policy has and every host's maximum, too, is not given away.
    const XenSet promised = words_of(policy);
    XenSet lost{};
    for (std::size_t i = 0; i < set.size(); ++i) lost[i] = promised[i] & common[i] & ~set[i];
    if (lost != XenSet{}) FAIL_CHECK("lost without need:" << text_of(lost) << " on " << members.front()->name);
}

const std::vector<const XenRelease*> releases{&xen_4_20, &xen_4_17};

}  // namespace

TEST_CASE("the featureset of every real host fits into its own HVM max featureset", "[corpus][xapi]") {
    std::size_t hosts = 0;
    for (const auto& [vendor, members] : vendor_pools()) {
        for (const Member& member : members) {
            for (const XenRelease* release : releases) judge({&member}, *release);
            ++hosts;
        }
    }
    if (!real_hosts().empty()) CHECK(hosts > 100);
}

TEST_CASE("so does that of a policy that shows all that can be asked for", "[corpus][xapi]") {
    for (const auto& [vendor_name, members] : vendor_pools()) {
        const std::size_t vendor = builtin_rulebook().vendor_of(vendor_name).value();
        MergeOptions everything;
        for (const Field& field : builtin_rulebook().fields) {
            const bool is_vendors = (field.vendors >> vendor & 1U) != 0;
            if (field.exposure == Exposure::asked && is_vendors) everything.show.emplace_back(field.id);
        }
        for (const Member& member : members) judge({&member}, xen_4_20, everything);
    }
}

TEST_CASE("the featureset of pairs of real hosts fits into the HVM max featureset of both", "[corpus][xapi]") {
    constexpr std::size_t stride = 3;  // the bits of a pool are judged one by one: a third of the pairs has them all
    std::size_t pairs = 0;
    std::size_t judged = 0;
    for (const auto& [vendor, members] : vendor_pools()) {
        for (std::size_t i = 0; i < members.size(); ++i) {
            for (std::size_t j = i + 1; j < members.size(); ++j) {
                if (pairs++ % stride != 0 || !is_in_part(judged)) continue;
                judge({&members[i], &members[j]}, *releases[judged % releases.size()]);
            }
        }
    }
    if (!real_hosts().empty()) CHECK(judged > 1000);
}

TEST_CASE("the featureset of whole vendors and random groups fits into the HVM max featureset of each host",
          "[corpus][xapi]") {
    std::mt19937 random(20261128);
    for (const auto& [vendor, members] : vendor_pools()) {
        std::vector<const Member*> all;
        for (const Member& member : members) all.push_back(&member);
        for (const XenRelease* release : releases) judge(all, *release);
        for (std::size_t round = 0; round < 100 / law_divisor(); ++round) {
            std::shuffle(all.begin(), all.end(), random);
            const std::size_t size = std::min<std::size_t>(3 + random() % 6, all.size());
            judge({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size)}, *releases[round % releases.size()]);
        }
    }
}

}  // namespace poolcpuid::test::xapi_test
