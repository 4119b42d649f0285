// Moving the calling thread from one logical CPU to another, and back to where it was allowed to run.
#pragma once

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace poolcpuid::os {

// Remembers on which CPUs the calling thread may run, and restores that when it goes out of scope. To be
// used and destroyed by one thread.
class Pinning {
public:
    // Throws SystemError when the kernel does not tell where the thread may run.
    Pinning();
    Pinning(const Pinning&) = delete;
    Pinning& operator=(const Pinning&) = delete;
    ~Pinning();

    // The CPUs on which the thread was allowed to run, sorted.
    const std::vector<std::uint32_t>& allowed() const noexcept { return allowed_; }

    // Moves the thread to a logical CPU, where it runs when this returns true and stays until the next
    // call. False, and no move, where it may not run there: the CPU is offline or outside of its cpuset.
    bool move_to(std::uint32_t cpu);

private:
    struct FreeSet {
        void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
    };
    using CpuSet = std::unique_ptr<cpu_set_t, FreeSet>;

    bool get_allowed(std::size_t cpus);

    std::size_t bytes_ = 0;  // of before_
    CpuSet before_;
    std::vector<std::uint32_t> allowed_;
};

}  // namespace poolcpuid::os
