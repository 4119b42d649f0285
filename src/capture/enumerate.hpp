// All that CPUID has to say on one logical CPU: which leaves and subleaves to ask for, and the answers.
#pragma once

#include "capture/cpuid_source.hpp"
#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::capture {

struct Enumeration {
    // Every leaf up to the maximum of its range, rows of zeros included, and every subleaf that the leaf
    // announces. A subleaf that ends a list is there unless it is all zeros.
    CpuidTable cpuid;

    // The CPU announces more leaves, or more rows in all, than a host document takes: what is beyond was
    // not read.
    bool cut = false;
};

// Asks cpuid for every row. Ranges are those of dump::maximum_leaf, so that what is read is what a reader of
// the document keeps. Where a leaf announces more subleaves than any real one has, those beyond are marked
// unknown. Throws what cpuid throws. At most limits::rows_per_cpu rows.
Enumeration enumerate_cpuid(const CpuidSource& cpuid);

}  // namespace poolcpuid::capture
