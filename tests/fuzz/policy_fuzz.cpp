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
        const PoolPolicy policy = read_policy({reinterpret_cast<const char*>(data), size}, "input");
        const std::string text = to_json(policy);
        if (!(read_policy(text, "again") == policy)) std::abort();
    } catch (const InputError&) {
    }
    return 0;
}
