#include "tests/cli/support/run_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace poolcpuid::test {

namespace {

void check(int error, const char* what) {
    if (error != 0) throw std::system_error(error, std::system_category(), what);
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {
        if (number < 0) check(errno, "no file descriptor");
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(number_); }
    int number() const noexcept { return number_; }

private:
    int number_;
};

// A file without a name: unlike a pipe it takes any amount of output without anybody reading.
int scratch_file() {
    std::string name = "/tmp/poolcpuid-test-XXXXXX";
    const int number = ::mkostemp(name.data(), O_CLOEXEC);
    if (number >= 0) ::unlink(name.c_str());
    return number;
}

// Reads until there is nothing left; a terminal ends with an error (EIO) when its last writer is gone.
std::string read_rest(int number) {
    std::string bytes;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 1; count > 0;) {
        count = ::read(number, buffer.data(), buffer.size());
        if (count > 0) bytes.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return bytes;
}

std::string content(const Descriptor& file) {
    ::lseek(file.number(), 0, SEEK_SET);
    return read_rest(file.number());
}

int input_file(const std::string& bytes) {
    const int number = scratch_file();
    if (number >= 0 && ::write(number, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        check(errno, "input");
    if (number >= 0) ::lseek(number, 0, SEEK_SET);
    return number;
}

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

// Each variable once: which of two counts is not the same for all that may stand before the program.
std::vector<std::string> environment_of(const Surroundings& surroundings) {
    std::vector<std::string> all = surroundings.environment;
    std::set<std::string_view> names{"COLUMNS", "NO_COLOR"};
    for (const std::string& entry : surroundings.environment) names.insert(name_of(entry));
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
        if (!names.contains(name_of(*entry))) all.emplace_back(*entry);
    }
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

int open_output(const Surroundings& surroundings, const Descriptor* terminal) {
    if (terminal != nullptr) return ::open(::ptsname(terminal->number()), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (!surroundings.output.empty()) return ::open(surroundings.output.c_str(), O_WRONLY | O_CLOEXEC);
    return scratch_file();
}

int exit_status(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) check(errno, "waitpid");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string program() {
    const char* other = std::getenv("POOLCPUID_PROGRAM");
    return other == nullptr ? POOLCPUID_PROGRAM : other;
}

pid_t start(std::vector<std::string> arguments, const Surroundings& surroundings, int in, int out, int err) {
    posix_spawn_file_actions_t actions;
    check(::posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
    check(::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO), "stdin");
    check(::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), "stdout");
    check(::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO), "stderr");
    if (!surroundings.directory.empty()) {
        check(::posix_spawn_file_actions_addchdir_np(&actions, surroundings.directory.c_str()), "chdir");
    }
    arguments.insert(arguments.begin(), program());
    arguments.insert(arguments.begin(), surroundings.launcher.begin(), surroundings.launcher.end());
    std::vector<std::string> environment = environment_of(surroundings);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, arguments.front().c_str(), &actions, nullptr, pointers(arguments).data(),
                                     pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    check(error, arguments.front().c_str());
    return child;
}

Result run_on_terminal(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    const Descriptor terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (::grantpt(terminal.number()) != 0 || ::unlockpt(terminal.number()) != 0) check(errno, "terminal");
    const Descriptor in(input_file(surroundings.input));
    const Descriptor other(scratch_file());
    pid_t child = 0;
    {
        const Descriptor shown(open_output(surroundings, &terminal));
        const bool is_error = surroundings.error_terminal;
        child = start(arguments, surroundings, in.number(), (is_error ? other : shown).number(),
                      (is_error ? shown : other).number());
    }
    Result result;
    result.out = read_rest(terminal.number());
    result.status = exit_status(child);
    result.err = content(other);
    if (surroundings.error_terminal) std::swap(result.out, result.err);
    return result;
}

}  // namespace

std::string Result::text() const {
    return "exit status " + std::to_string(status) + "\nstdout:\n" + out.substr(0, 2000) + "\nstderr:\n" + err;
}

Result run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    if (surroundings.terminal || surroundings.error_terminal) return run_on_terminal(arguments, surroundings);
    const Descriptor in(input_file(surroundings.input));
    const Descriptor out(open_output(surroundings, nullptr));
    const Descriptor err(scratch_file());
    const pid_t child = start(arguments, surroundings, in.number(), out.number(), err.number());
    Result result;
    result.status = exit_status(child);
    if (surroundings.output.empty()) result.out = content(out);
    result.err = content(err);
    return result;
}

}  // namespace poolcpuid::test
