// Asking a QEMU program: QMP on its standard input and output, without a machine.
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
#include <nlohmann/json.hpp>
#include <system_error>

#include "poolcpuid/error.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "text/printable.hpp"

namespace poolcpuid {

namespace {

using Message = nlohmann::json;

constexpr std::size_t longest_answer = 16U << 20;  // bytes; real ones have some tens of thousands
constexpr std::chrono::seconds patience{20};       // for all answers together; real ones take less than one

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
            if (buffer_.size() > longest_answer) {
                refuse(program_, "answers of at most " + std::to_string(longest_answer) + " bytes", "more");
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

// The release that a greeting names, and with its patch level as text.
struct Release {
    VmmVersion version;
    std::string text;
};

Release release_in(const Message& greeting) {
    const Message qemu = greeting.at("QMP").value("version", Message::object()).value("qemu", Message::object());
    const VmmVersion version{qemu.value("major", 0U), qemu.value("minor", 0U)};
    return {version, to_string(version) + "." + std::to_string(qemu.value("micro", 0U))};
}

class Qmp {
public:
    explicit Qmp(const std::string& program) : program_(executable(program)), child_(program) {
        const Message greeting = next();
        if (!greeting.contains("QMP")) refuse(program, "a program that speaks QMP", "one that does not");
        release_ = release_in(greeting);
        ask("qmp_capabilities", {});
    }

    const Release& release() const noexcept { return release_; }

    // The answer, or the member "error" of it.
    Message ask(const std::string& command, const Message& arguments) {
        Message request{{"execute", command}};
        if (!arguments.is_null()) request["arguments"] = arguments;
        child_.write(request.dump() + "\n");
        for (;;) {
            Message answer = next();
            if (!answer.contains("event")) return answer;
        }
    }

private:
    Message next() {
        Message answer = Message::parse(child_.read_line(), nullptr, false);
        if (!answer.is_object()) refuse(program_, "a program that speaks QMP", "one that does not");
        return answer;
    }

    std::string program_;
    Child child_;
    Release release_;
};

// The properties in the answer to query-cpu-model-expansion.
Message properties_in(const Message& answer, const std::string& program) {
    Message properties =
        answer.value("return", Message::object()).value("model", Message::object()).value("props", Message());
    if (!properties.is_object()) {
        refuse(program, "the properties of CPU models, as a QEMU for x86-64 lists them", "an answer without");
    }
    return properties;
}

// The versioned name of a model, and a refusal of those that are whatever the host has.
std::string settled_model(Qmp& qmp, const std::string& program, const std::string& model) {
    if (model == plainest_qemu_model) return model;
    const Message definitions = qmp.ask("query-cpu-definitions", {});
    for (const Message& definition : definitions.value("return", Message::array())) {
        if (definition.value("name", std::string()) != model) continue;
        if (!definition.value("migration-safe", false)) {
            throw UsageError(printable(program) + ": what the CPU model " + printable(model) +
                             " has depends on the host, so it cannot be the base of a policy");
        }
        return definition.value("alias-of", model);
    }
    return model;  // the expansion says what is wrong with it
}

// The properties of a model where those of wanted are on.
Message expand(Qmp& qmp, const std::string& program, const std::string& model, const std::set<std::string>& wanted) {
    Message arguments{{"type", "full"}, {"model", {{"name", model}}}};
    for (const std::string& name : wanted) arguments["model"]["props"][name] = true;
    const Message answer = qmp.ask("query-cpu-model-expansion", arguments);
    if (answer.contains("error")) {
        const std::string why = answer["error"].value("desc", std::string("no reason given"));
        throw UsageError(printable(program) + " has no CPU model " + printable(model) + ": " + printable(why));
    }
    return properties_in(answer, program);
}

std::map<std::string, bool> flags_of(const Message& properties) {
    std::map<std::string, bool> flags;
    for (const auto& [name, value] : properties.items()) {
        if (value.is_boolean()) flags[name] = value.get<bool>();
    }
    return flags;
}

QemuFacts facts_of(const std::string& program, const std::string& model, const std::set<std::string>& wanted) {
    QemuFacts facts;
    facts.program = program;
    Qmp qmp(program);
    facts.version = qmp.release().version;
    facts.full_version = qmp.release().text;
    facts.model = settled_model(qmp, program, model);
    const Message known = expand(qmp, program, plainest_qemu_model, {});
    std::set<std::string> known_wanted;
    for (const std::string& name : wanted) {
        if (known.contains(name) && known[name].is_boolean()) known_wanted.insert(name);
    }
    const Message plain = expand(qmp, program, plainest_qemu_model, known_wanted);
    const Message named = facts.model == plainest_qemu_model ? plain : expand(qmp, program, facts.model, known_wanted);
    facts.plain_flags = flags_of(plain);
    facts.flags = flags_of(named);
    for (const auto& [name, value] : named.items()) {
        if (value.is_boolean()) continue;
        facts.numbers.insert(name);
        if (value != plain.value(name, Message())) facts.model_numbers.insert(name);
    }
    return facts;
}

QemuModels models_of(const std::string& program, const std::set<std::string>& names) {
    QemuModels answer;
    answer.program = program;
    Qmp qmp(program);
    answer.full_version = qmp.release().text;
    const Message definitions = qmp.ask("query-cpu-definitions", {}).value("return", Message::array());
    for (const Message& definition : definitions) {
        const std::string name = definition.value("name", std::string());
        if (!names.contains(name)) continue;
        const Message properties = properties_in(
            qmp.ask("query-cpu-model-expansion", {{"type", "full"}, {"model", {{"name", name}}}}), program);
        QemuModel& model = answer.models[name];
        model.family = properties.value("family", 0U);
        model.model = properties.value("model", 0U);
        model.stepping = properties.value("stepping", 0U);
        for (const auto& [property, value] : properties.items()) {
            if (!value.is_boolean()) continue;
            answer.properties.insert(property);
            if (value.get<bool>()) model.on.insert(property);
        }
    }
    return answer;
}

// Runs a conversation in which the parts of an answer are taken for what QEMU's have: of other types, they are refused.
template <typename Conversation>
auto with_types_checked(const std::string& program, const Conversation& conversation) {
    try {
        return conversation();
    } catch (const Message::exception& error) {
        refuse(program, "answers of the types that QEMU's have", error.what());
    }
}

}  // namespace

QemuFacts ask_qemu(const std::string& program, const std::string& model, const std::set<std::string>& wanted) {
    return with_types_checked(program, [&] { return facts_of(program, model, wanted); });
}

QemuModels ask_qemu_models(const std::string& program, const std::set<std::string>& names) {
    return with_types_checked(program, [&] { return models_of(program, names); });
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
