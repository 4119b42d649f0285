// Any bytes as a policy document: refused, or the same after writing and reading it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace poolcpuid;
    try {
        PoolPolicy policy = read_policy({reinterpret_cast<const char*>(data), size}, "input");
        const std::string text = to_json(policy);
        policy.older_sha256.clear();  // a document of version 1.0 is written as version 1.1
        if (!(read_policy(text, "again") == policy)) std::abort();
    } catch (const InputError&) {
    }
    return 0;
}
