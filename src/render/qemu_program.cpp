// A QEMU program to be asked: QMP on its standard input and output, without a machine.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/limits.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "render/qmp.hpp"

namespace poolcpuid {

namespace {

constexpr std::chrono::seconds patience{limits::qemu_seconds};

// The program cannot be used at all.
[[noreturn]] void fail(const std::string& program, const std::string& what) {
    throw SystemError(printable(program) + ": " + what);
}

// The program does not answer as a QEMU does.
[[noreturn]] void refuse(const std::string& program, const std::string& expected, const std::string& found) {
    throw InputError(program, 0, expected, found);
}

// A child process with a socket for its standard input and output; killed and waited for when this goes.
class Child {
public:
    explicit Child(const std::string& program) : program_(program) {
        std::array<int, 2> input{};
        std::array<int, 2> output{};
        if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) {
            fail(program, "no pipe: " + std::system_category().message(errno));
        }
        to_ = input[1];
        from_ = output[0];
        ::fcntl(to_, F_SETFL, O_NONBLOCK);  // a child that reads nothing must not hold us
        pid_ = ::fork();
        if (pid_ == 0) start(input[0], output[1]);
        ::close(input[0]);
        ::close(output[1]);
        if (pid_ < 0) fail(program, "cannot be started: " + std::system_category().message(errno));
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::close(to_);
        ::close(from_);
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }

    void write(std::string_view line) const {
        // A program that has ended must not end us.
        void (*const before)(int) = std::signal(SIGPIPE, SIG_IGN);
        while (!line.empty() && is_ready(to_, POLLOUT)) {
            const ssize_t written = ::write(to_, line.data(), line.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) break;
            line.remove_prefix(static_cast<std::size_t>(written));
        }
        std::signal(SIGPIPE, before);
        if (!line.empty()) refuse(program_, "a QEMU that reads what it is asked", "one that does not");
    }

    std::string read_line() {
        for (;;) {
            const std::size_t end = buffer_.find('\n');
            if (end != std::string::npos) {
                std::string line = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return line;
            }
            if (buffer_.size() > limits::qemu_answer_bytes) {
                refuse(program_, "answers of at most " + std::to_string(limits::qemu_answer_bytes) + " bytes", "more");
            }
            if (!is_ready(from_, POLLIN)) {
                refuse(program_, "the answers of a QEMU within " + std::to_string(patience.count()) + " seconds",
                       "none in that time");
            }
            std::array<char, 1 << 16> bytes{};
            const ssize_t count = ::read(from_, bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) refuse(program_, "the answers of a QEMU for x86-64", "a program that ends without");
            buffer_.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

private:
    // Waits until the descriptor can be read or written. False when patience is at an end.
    bool is_ready(int descriptor, short event) const {
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
            if (left.count() <= 0) return false;
            pollfd wait{descriptor, event, 0};
            const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }

    // In the child: only calls that are allowed after fork.
    [[noreturn]] void start(int input, int output) const {
        ::dup2(input, STDIN_FILENO);
        ::dup2(output, STDOUT_FILENO);
        const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0) ::dup2(null, STDERR_FILENO);
        ::execl(program_.c_str(), program_.c_str(), "-M", "none", "-accel", "tcg", "-accel", "kvm", "-nodefaults",
                "-display", "none", "-S", "-qmp", "stdio", static_cast<char*>(nullptr));
        ::_exit(127);
    }

    std::string program_;
    int to_ = -1;
    int from_ = -1;
    pid_t pid_ = -1;
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + patience;
    std::string buffer_;
};

const std::string& executable(const std::string& program) {
    if (::access(program.c_str(), X_OK) != 0) {
        fail(program, "cannot be started: " + std::system_category().message(errno));
    }
    return program;
}

// What goes to and from a child.
render::QmpLines lines_of(Child& child) {
    return {[&child](std::string_view line) { child.write(line); }, [&child] { return child.read_line(); }};
}

}  // namespace

QemuFacts ask_qemu(const std::string& program, const std::string& model, const std::set<std::string>& wanted) {
    Child child(executable(program));
    return render::facts_over(lines_of(child), program, model, wanted);
}

QemuModels ask_qemu_models(const std::string& program, const std::set<std::string>& names) {
    Child child(executable(program));
    return render::models_over(lines_of(child), program, names);
}

std::optional<std::string> find_qemu() {
    namespace fs = std::filesystem;
    const char* const path = std::getenv("PATH");
    std::string directories = path == nullptr ? "" : path;
    directories += ":/usr/libexec";  // where RHEL keeps it
    for (const char* name : {"qemu-system-x86_64", "qemu-kvm"}) {
        for (std::size_t start = 0; start <= directories.size();) {
            const std::size_t end = std::min(directories.find(':', start), directories.size());
            const std::string directory = directories.substr(start, end - start);
            start = end + 1;
            if (directory.empty()) continue;
            const std::string candidate = directory + "/" + name;
            if (::access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate)) return candidate;
        }
    }
    return std::nullopt;
}

}  // namespace poolcpuid
