// A QEMU program to be asked: QMP on its standard input and output, without a machine.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/printable.hpp"
#include "os/file_descriptor.hpp"
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

// Two ends of one connection, for what is asked and what is answered.
struct Connection {
    os::FileDescriptor ours;
    os::FileDescriptor theirs;
};

Connection connection_to(const std::string& program) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        fail(program, "no socket: " + os::reason(errno));
    }
    return {os::FileDescriptor(ends[0]), os::FileDescriptor(ends[1])};
}

// A child process with a socket for its standard input and output; killed and waited for when this goes.
class Child {
public:
    explicit Child(const std::string& program) : Child(program, connection_to(program)) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    void write(std::string_view line) const {
        while (!line.empty() && is_ready(POLLOUT)) {
            // A program that has ended must not end us, nor one that reads nothing hold us.
            const ssize_t written = ::send(socket_.number(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) break;
            line.remove_prefix(static_cast<std::size_t>(written));
        }
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
            if (!is_ready(POLLIN)) {
                refuse(program_, "the answers of a QEMU within " + std::to_string(patience.count()) + " seconds",
                       "none in that time");
            }
            std::array<char, 1 << 16> bytes{};
            const ssize_t count = ::read(socket_.number(), bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) refuse(program_, "the answers of a QEMU for x86-64", "a program that ends without");
            buffer_.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

private:
    Child(const std::string& program, Connection connection)
        : program_(program), socket_(std::move(connection.ours)), pid_(::fork()) {
        if (pid_ == 0) start(connection.theirs.number());
        if (pid_ < 0) fail(program, "cannot be started: " + os::reason(errno));
    }

    // Waits until the socket can be read or written. False when patience is at an end.
    bool is_ready(short event) const {
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
            if (left.count() <= 0) return false;
            pollfd wait{socket_.number(), event, 0};
            const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }

    // In the child: only calls that are allowed after fork.
    [[noreturn]] void start(int socket) const {
        ::dup2(socket, STDIN_FILENO);
        ::dup2(socket, STDOUT_FILENO);
        const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0) ::dup2(null, STDERR_FILENO);
        ::execl(program_.c_str(), program_.c_str(), "-M", "none", "-accel", "tcg", "-accel", "kvm", "-nodefaults",
                "-display", "none", "-S", "-qmp", "stdio", static_cast<char*>(nullptr));
        ::_exit(127);
    }

    std::string program_;
    os::FileDescriptor socket_;
    pid_t pid_;
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + patience;
    std::string buffer_;
};

const std::string& executable(const std::string& program) {
    if (::access(program.c_str(), X_OK) != 0) {
        fail(program, "cannot be started: " + os::reason(errno));
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

QemuModels ask_qemu_models(const std::string& program, const std::set<std::string>& names,
                           const std::set<std::string>& wanted) {
    Child child(executable(program));
    return render::models_over(lines_of(child), program, names, wanted);
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
