// The law of check over every pair of real hosts of one vendor, in both directions: a pool's policy is kept on
// its own hosts, and a host that joins a pool costs a running VM something exactly when check names it.

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/check.hpp"
#include "poolcpuid/pool_state.hpp"
#include "tests/catch.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/law_divisor.hpp"

namespace poolcpuid::test::check_pairs_test {

namespace {

// A policy without what promises nothing: against() takes the digest of a policy, and most of the document
// is reasons. Of the decisions only those on VERW say what the registers cannot.
PoolPolicy without_reasons(PoolPolicy policy) {
    std::erase_if(policy.decisions, [](const Decision& decision) { return decision.rule != "guarded"; });
    return policy;
}

// A policy and the check of it, made once.
struct Checked {
    explicit Checked(const PoolPolicy& of) : check(builtin_rulebook(), of), policy(without_reasons(of)) {}

    PolicyCheck check;
    PoolPolicy policy;
};

// Nothing when no policy holds on the hosts.
std::optional<Checked> finish(const PoolState& state, const MergeOptions& options) {
    try {
        return Checked(state.finish(options));
    } catch (const NoPolicyError&) {
        return std::nullopt;
    }
}

// A real host that can be in a pool by itself: of a known vendor, and 64-bit.
struct Member {
    const HostDump* dump;
    PoolState state;
    Checked alone;
};

using Pools = std::map<std::string, std::vector<Member>>;  // by vendor string

Pools vendor_pools(const MergeOptions& options) {
    Pools pools;
    for (const HostDump& host : real_hosts()) {
        PoolState state(builtin_rulebook());
        try {
            state.add(host);
        } catch (const NoPolicyError&) {
            continue;
        }
        std::optional<Checked> alone = finish(state, options);
        if (!alone) continue;
        const std::string vendor = vendor_string(host.first_table()).value_or("");
        pools[vendor].push_back({&host, std::move(state), std::move(*alone)});
    }
    return pools;
}

// The fields of a verdict's violations, for messages.
std::string fields_of(const Verdict& verdict) {
    std::string fields;
    for (const Violation& violation : verdict.violations) {
        fields += " " + violation.field + " (" + std::string(to_string(violation.breach)) + ", " + violation.promised +
                  " against " + violation.host + ")";
    }
    return fields.empty() ? " nothing" : fields;
}

// Pairs, and the answers of check about them.
struct Count {
    std::size_t pairs = 0;
    std::size_t without_policy = 0;
    std::size_t kept = 0;    // a VM of the one finds every promise kept on the other
    std::size_t broken = 0;  // it does not
};

bool is_request_for_verw(const Violation& violation) {
    const Rulebook& rulebook = builtin_rulebook();
    const FieldIndex field = rulebook.find(violation.field);
    return violation.breach == Breach::not_told && field != no_field && rulebook[field].rule == Rule::guarded;
}

// b keeps every promise of a's own pool exactly when its joining costs the pool no atom.
void judge_direction(const Member& a, const Member& b, const Checked& pool, Count& count) {
    const Verdict verdict = a.alone.check.against(*b.dump);
    const bool is_kept = verdict.violations.empty();
    ++(is_kept ? count.kept : count.broken);
    Verdict differs = a.alone.check.against(pool.policy);
    // The pool's policy does not say that who asks for VERW does not need it; the host does.
    const bool costs_nothing =
        is_kept ? std::ranges::all_of(differs.violations, is_request_for_verw) : differs.violations.empty();
    if (costs_nothing) differs = pool.check.against(a.alone.policy);
    if (is_kept == differs.violations.empty()) return;
    FAIL_CHECK(a.dump->name << " on " << b.dump->name << ": check names" << fields_of(verdict)
                            << "; the pools of the one and of both differ in" << fields_of(differs));
}

void judge_pair(const Member& a, const Member& b, const MergeOptions& options, Count& count) {
    PoolState state = a.state;
    state.combine(b.state);
    const std::optional<Checked> pool = finish(state, options);
    if (!pool) {
        ++count.without_policy;
        return;
    }
    ++count.pairs;
    for (const Member* member : {&a, &b}) {
        const Verdict own = pool->check.against(*member->dump);
        if (own.violations.empty()) continue;
        FAIL_CHECK("the pool of " << a.dump->name << " and " << b.dump->name << " on " << member->dump->name << ":"
                                  << fields_of(own));
    }
    judge_direction(a, b, *pool, count);
    judge_direction(b, a, *pool, count);
}

// Every stride-th pair of hosts of one vendor.
void judge_pairs(const MergeOptions& options, std::size_t stride) {
    const Pools pools = vendor_pools(options);
    Count count;
    std::size_t number = 0;
    for (const auto& [vendor, members] : pools) {
        for (std::size_t i = 0; i < members.size(); ++i) {
            for (std::size_t j = i + 1; j < members.size(); ++j) {
                if (number++ % stride == 0) judge_pair(members[i], members[j], options, count);
            }
        }
    }
    if (count.without_policy != 0) WARN(count.without_policy << " pairs have no policy and do not count");
    CAPTURE(count.pairs, count.kept, count.broken);
    // The law says something only where both answers come up.
    if (!pools.empty()) {
        CHECK(count.pairs > 4000 / stride);
        CHECK(count.kept > 100 / stride);
        CHECK(count.broken > 4000 / stride);
    }
}

}  // namespace

TEST_CASE("a pair's policy is kept on both hosts, and that of one host on the other exactly when it costs no atom",
          "[corpus][check]") {
    judge_pairs({}, law_divisor());
}

TEST_CASE("the same holds for policies with nested virtualization and the PMU", "[corpus][check]") {
    MergeOptions options;
    options.show = {"nested", "pmu"};
    constexpr std::size_t stride = 8;
    judge_pairs(options, stride * law_divisor());
}

}  // namespace poolcpuid::test::check_pairs_test
