// A bound on how long a vCPU may run, so that nothing hangs with a KVM that does not bring the guest to its end.
#pragma once

#include <chrono>
#include <csignal>
#include <ctime>

namespace poolcpuid::kvm {

// After that time KVM_RUN of vcpu, called by this thread, returns EINTR, and does so from then on.
//
// A timer sends the thread a signal that stays blocked everywhere but inside of KVM_RUN
// (KVM_SET_SIGNAL_MASK), so no handler runs and the signal's disposition does not matter. Everything is as
// before when this goes out of scope, in the thread that made it; only the vCPU keeps its mask.
class TimeLimit {
public:
    // Throws SystemError when the kernel gives no timer.
    TimeLimit(int vcpu, std::chrono::milliseconds time);
    TimeLimit(const TimeLimit&) = delete;
    TimeLimit& operator=(const TimeLimit&) = delete;
    ~TimeLimit();

    // True once the time is over.
    bool is_over() const noexcept;

private:
    timer_t timer_{};
    sigset_t before_{};  // the signals that the thread blocked
};

}  // namespace poolcpuid::kvm
