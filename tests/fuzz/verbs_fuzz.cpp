// Any bytes as policies: one that can be read is given to a verb with another one and the example hosts.
//
// The first byte chooses the verb (see verb_of). A policy a section; without a second one, an example's.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "example_files.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"
#include "require.hpp"
#include "sections.hpp"
#include "verbs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace poolcpuid;
    static const std::vector<HostDump> hosts = fuzz::example_hosts();
    static const PoolPolicy example = fuzz::example_policy();
    const fuzz::Sections sections = fuzz::sections_of({reinterpret_cast<const char*>(data), size});
    std::vector<PoolPolicy> policies;
    try {
        for (const fuzz::Section& file : sections.files) policies.push_back(read_policy(file.bytes, "input"));
    } catch (const InputError&) {
        return 0;
    }
    if (policies.empty()) return 0;
    policies.push_back(example);
    try {
        fuzz::verb_of(data[0])({builtin_rulebook(), policies[0], policies[1], hosts});
    } catch (const NoPolicyError&) {
        fuzz::require(!builtin_rulebook().vendor_of(policies[0].vendor), "a known vendor's policy is taken");
    }
    return 0;
}
