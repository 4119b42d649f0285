// What asking a QEMU takes of the process that asks: nothing that it does not give back.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "poolcpuid/error.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

// There where the run time of the sanitizers is linked, which opens pipes of its own, and takes what it cannot look at
// for damaged.
extern "C" void __asan_init() __attribute__((weak));

namespace poolcpuid::test::qemu_program_test {

namespace {

std::string write_program(const TemporaryDirectory& dir, const std::string& script) {
    const std::string path = dir.write("qemu", "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

// How many descriptors this process may have, until this goes.
class DescriptorLimit {
public:
    explicit DescriptorLimit(int count) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit lower{static_cast<rlim_t>(count), before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

// The one that the next call which opens something returns.
int free_descriptor() {
    const int number = ::dup(STDERR_FILENO);
    REQUIRE(number >= 0);
    ::close(number);
    return number;
}

volatile std::sig_atomic_t signals_of_pipes = 0;
void count_signal(int) { signals_of_pipes = signals_of_pipes + 1; }

// A handler of the caller's for SIGPIPE, until this goes.
class PipeHandler {
public:
    PipeHandler() {
        signals_of_pipes = 0;
        before_ = std::signal(SIGPIPE, count_signal);
    }
    PipeHandler(const PipeHandler&) = delete;
    PipeHandler& operator=(const PipeHandler&) = delete;
    ~PipeHandler() { std::signal(SIGPIPE, before_); }

private:
    void (*before_)(int);
};

}  // namespace

TEST_CASE("a QEMU that cannot be asked leaves no descriptor open, whichever is the one too many", "[qemu]") {
    if (__asan_init != nullptr) {
        WARN("skipped: the sanitizers need descriptors of their own");
        return;
    }
    const int first = free_descriptor();
    for (int more = 0; more < 5; ++more) {
        CAPTURE(more);
        {
            const DescriptorLimit limit(first + more);
            CHECK_THROWS(ask_qemu("/bin/true", "base"));
        }
        CHECK(free_descriptor() == first);
    }
}

// A request that the socket does not hold waits for the program, which sends a signal of its own and ends.
TEST_CASE("the caller's SIGPIPE is neither raised nor turned off while a QEMU is asked", "[qemu]") {
    const TemporaryDirectory dir;
    const std::string program = write_program(dir,
                                              "echo '{\"QMP\": {}}'\n"
                                              "echo '{\"return\": {}}'\n"
                                              "echo '{\"return\": [{\"name\": \"base\"}]}'\n"
                                              "echo '{\"return\": {\"model\": {\"props\": {}}}}'\n"
                                              "echo '{\"return\": {\"model\": {\"props\": {}}}}'\n"
                                              "sleep 0.3\n"
                                              "kill -PIPE $PPID\n");
    const PipeHandler handler;
    CHECK_THROWS_AS(ask_qemu(program, std::string(std::size_t{4} << 20, 'm')), InputError);
    CHECK(signals_of_pipes == 1);
}

}  // namespace poolcpuid::test::qemu_program_test
