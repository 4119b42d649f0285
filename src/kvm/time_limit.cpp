#include "kvm/time_limit.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "kvm/ioctls.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"

// Older C libraries have the member without its name (timer_create(2)).
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace poolcpuid::kvm {

namespace {

// Not one that the kernel sends by itself.
int limit_signal() { return SIGRTMIN; }

sigset_t only_limit_signal() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, limit_signal());
    return set;
}

// Lets the signal, and no other that the thread blocks, interrupt KVM_RUN. False, and errno, when KVM refuses.
bool let_through(int vcpu, sigset_t blocked) {
    sigdelset(&blocked, limit_signal());
    SignalMask mask;
    std::memcpy(&mask.signals_low, &blocked, mask.bytes);
    return ::ioctl(vcpu, set_signal_mask, &mask) == 0;
}

}  // namespace

TimeLimit::TimeLimit(int vcpu, std::chrono::milliseconds time) {
    const sigset_t ours = only_limit_signal();
    ::pthread_sigmask(SIG_BLOCK, &ours, &before_);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = limit_signal();
    event.sigev_notify_thread_id = static_cast<pid_t>(::syscall(SYS_gettid));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    itimerspec at{};
    at.it_value.tv_sec = seconds.count();
    at.it_value.tv_nsec = std::chrono::nanoseconds(time - seconds).count();
    const bool is_made = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
    if (is_made && let_through(vcpu, before_) && ::timer_settime(timer_, 0, &at, nullptr) == 0) return;
    const int error = errno;
    if (is_made) ::timer_delete(timer_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    throw SystemError("A vCPU cannot be run with a time limit (" + os::reason(error) + ").");
}

TimeLimit::~TimeLimit() {
    ::timer_delete(timer_);
    const sigset_t ours = only_limit_signal();
    const timespec no_time{};
    while (::sigtimedwait(&ours, nullptr, &no_time) > 0) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool TimeLimit::is_over() const noexcept {
    sigset_t pending;
    return ::sigpending(&pending) == 0 && sigismember(&pending, limit_signal()) == 1;
}

}  // namespace poolcpuid::kvm
