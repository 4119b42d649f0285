// The tests of this machine's /dev/kvm: skipped as a whole, with the reason, where it runs no vCPU.
#define CATCH_CONFIG_RUNNER
#include <cstdio>
#include <exception>

#include "poolcpuid/verify.hpp"
#include "tests/catch.hpp"

int main(int argc, char** argv) {
    constexpr int skipped = 77;  // SKIP_RETURN_CODE
    try {
        poolcpuid::VcpuTask task;
        task.execute = {{0, 0}};
        poolcpuid::kvm_vcpus()(task);
    } catch (const std::exception& error) {
        std::printf("skipped: %s\n", error.what());
        return skipped;
    }
    return Catch::Session().run(argc, argv) == 0 ? 0 : 1;  // it returns the number of failures
}
