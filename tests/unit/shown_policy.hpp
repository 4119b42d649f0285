// A policy made by hand, for tests of what reads policies.
#pragma once

#include <utility>
#include <vector>

#include "poolcpuid/policy.hpp"
#include "tests/support/host_builder.hpp"

namespace poolcpuid::test {

// A policy that shows these registers and nothing else.
inline PoolPolicy policy_of(const TableBuilder& table, std::vector<MsrRow> msrs = {}) {
    PoolPolicy policy;
    policy.pool = "pool";
    policy.cpuid = table.table().rows;
    policy.vendor = vendor_string(table.table()).value();
    policy.msrs = std::move(msrs);
    return policy;
}

}  // namespace poolcpuid::test
