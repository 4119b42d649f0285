// Whether this machine's /dev/kvm runs a vCPU: exit status 0, or 77 with the reason, for ctest to skip its tests as a
// whole. A program of its own, since a main function beside Catch2's would compile all of Catch2 again.
#include <cstdio>
#include <exception>

#include "poolcpuid/verify.hpp"

int main() {
    constexpr int skipped = 77;  // SKIP_RETURN_CODE
    try {
        poolcpuid::VcpuTask task;
        task.execute = {{0, 0}};
        poolcpuid::kvm_vcpus()(task);
    } catch (const std::exception& error) {
        std::printf("skipped: %s\n", error.what());
        return skipped;
    }
    return 0;
}
