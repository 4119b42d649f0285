// Asking a QEMU program: QMP on its standard input and output, without a machine.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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
constexpr int patience = 20000;                    // milliseconds for one answer; real ones take a few

[[noreturn]] void fail(const std::string& program, const std::string& what) {
    throw SystemError(printable(program) + ": " + what);
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

    void write(const std::string& line) const {
        // A program that has ended must not end us.
        void (*const before)(int) = std::signal(SIGPIPE, SIG_IGN);
        const ssize_t written = ::write(to_, line.data(), line.size());
        std::signal(SIGPIPE, before);
        if (written != static_cast<ssize_t>(line.size())) fail(program_, "does not read what it is asked");
    }

    std::string read_line() {
        for (;;) {
            const std::size_t end = buffer_.find('\n');
            if (end != std::string::npos) {
                std::string line = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return line;
            }
            if (buffer_.size() > longest_answer) fail(program_, "answers more than can be an answer");
            pollfd wait{from_, POLLIN, 0};
            if (::poll(&wait, 1, patience) <= 0) fail(program_, "does not answer: is it a QEMU?");
            std::array<char, 1 << 16> bytes{};
            const ssize_t count = ::read(from_, bytes.data(), bytes.size());
            if (count <= 0) fail(program_, "ends instead of answering: is it a QEMU for x86-64?");
            buffer_.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

private:
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
    std::string buffer_;
};

const std::string& executable(const std::string& program) {
    if (::access(program.c_str(), X_OK) != 0) {
        fail(program, "cannot be started: " + std::system_category().message(errno));
    }
    return program;
}

class Qmp {
public:
    explicit Qmp(const std::string& program) : program_(executable(program)), child_(program) {
        greeting_ = next();
        if (!greeting_.contains("QMP")) fail(program, "does not speak QMP");
        ask("qmp_capabilities", {});
    }

    const Message& greeting() const noexcept { return greeting_; }

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
        if (!answer.is_object()) fail(program_, "does not speak QMP");
        return answer;
    }

    std::string program_;
    Child child_;
    Message greeting_;
};

// An object with major, minor and micro.
Message version_in(const Message& greeting) {
    return greeting.at("QMP").value("version", Message::object()).value("qemu", Message::object());
}

VmmVersion release_of(const Message& version) { return {version.value("major", 0U), version.value("minor", 0U)}; }

std::string full_version_of(const Message& version) {
    return to_string(release_of(version)) + "." + std::to_string(version.value("micro", 0U));
}

// The properties in the answer to query-cpu-model-expansion.
Message properties_in(const Message& answer, const std::string& program) {
    Message properties =
        answer.value("return", Message::object()).value("model", Message::object()).value("props", Message());
    if (!properties.is_object()) fail(program, "lists no properties of CPU models: is it a QEMU for x86-64?");
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

}  // namespace

QemuFacts ask_qemu(const std::string& program, const std::string& model, const std::set<std::string>& wanted) {
    QemuFacts facts;
    facts.program = program;
    Qmp qmp(program);
    const Message version = version_in(qmp.greeting());
    facts.version = release_of(version);
    facts.full_version = full_version_of(version);
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

QemuModels ask_qemu_models(const std::string& program, const std::set<std::string>& names) {
    QemuModels answer;
    answer.program = program;
    Qmp qmp(program);
    answer.full_version = full_version_of(version_in(qmp.greeting()));
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
