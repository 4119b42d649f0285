#include "os/pinning.hpp"

#include <cerrno>
#include <new>

#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::os {

namespace {

// The kernel refuses a set that is smaller than its own; no kernel can be built for so many CPUs.
constexpr std::size_t most_cpus = 1U << 20;

}  // namespace

bool Pinning::get_allowed(std::size_t cpus) {
    before_.reset(CPU_ALLOC(cpus));
    if (!before_) throw std::bad_alloc();
    bytes_ = CPU_ALLOC_SIZE(cpus);
    CPU_ZERO_S(bytes_, before_.get());
    return ::sched_getaffinity(0, bytes_, before_.get()) == 0;
}

Pinning::Pinning() {
    std::size_t cpus = 1024;
    while (!get_allowed(cpus)) {
        if (errno != EINVAL || cpus >= most_cpus) {
            throw SystemError("the kernel does not say on which CPUs the program may run: " + reason(errno));
        }
        cpus *= 2;
    }
    for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
        if (CPU_ISSET_S(cpu, bytes_, before_.get())) allowed_.push_back(static_cast<std::uint32_t>(cpu));
    }
}

Pinning::~Pinning() { ::sched_setaffinity(0, bytes_, before_.get()); }

bool Pinning::move_to(std::uint32_t cpu) {
    const CpuSet one(CPU_ALLOC(cpu + 1));
    if (!one) throw std::bad_alloc();
    const std::size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
    CPU_ZERO_S(bytes, one.get());
    CPU_SET_S(cpu, bytes, one.get());
    return ::sched_setaffinity(0, bytes, one.get()) == 0;
}

}  // namespace poolcpuid::os
