#include "render/qmp.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/limits.hpp"

namespace poolcpuid::render {

namespace {

using Message = nlohmann::json;

// The program does not answer as a QEMU does.
[[noreturn]] void refuse_answer(const std::string& program, const std::string& expected, const std::string& found) {
    throw InputError(program, 0, expected, found);
}

// A member that is a number of 32 bits, or 0 where there is none.
unsigned number_in(const Message& object, const char* key, const std::string& program) {
    const auto at = object.find(key);
    if (at == object.end()) return 0;
    if (!at->is_number_unsigned() || at->get<std::uint64_t>() > std::numeric_limits<unsigned>::max()) {
        refuse_answer(program, std::string("a number in \"") + key + "\", as QEMU's answers have it", "something else");
    }
    return at->get<unsigned>();
}

// The release that a greeting names, and with its patch level as text.
struct Release {
    VmmVersion version;
    std::string text;
};

Release release_in(const Message& greeting, const std::string& program) {
    const Message qemu = greeting.at("QMP").value("version", Message::object()).value("qemu", Message::object());
    const VmmVersion version{number_in(qemu, "major", program), number_in(qemu, "minor", program)};
    return {version, to_string(version) + "." + std::to_string(number_in(qemu, "micro", program))};
}

class Qmp {
public:
    Qmp(const QmpLines& lines, std::string program) : lines_(lines), program_(std::move(program)) {
        const Message greeting = next();
        if (!greeting.contains("QMP")) refuse_answer(program_, "a program that speaks QMP", "one that does not");
        release_ = release_in(greeting, program_);
        ask("qmp_capabilities", {});
    }

    const std::string& program() const noexcept { return program_; }
    const Release& release() const noexcept { return release_; }

    // The answer, or the member "error" of it.
    Message ask(const std::string& command, const Message& arguments) {
        Message request{{"execute", command}};
        if (!arguments.is_null()) request["arguments"] = arguments;
        // A model's name may be any bytes that the caller was given.
        lines_.write(request.dump(-1, ' ', false, Message::error_handler_t::replace) + "\n");
        for (;;) {
            Message answer = next();
            if (!answer.contains("event")) return answer;
        }
    }

private:
    Message next() {
        const auto is_shallow = [&](int depth, Message::parse_event_t, Message&) {
            // Copying an answer is recursive.
            if (depth > static_cast<int>(limits::json_depth)) {
                refuse_answer(program_, "answers nested at most " + std::to_string(limits::json_depth) + " deep",
                              "a deeper one");
            }
            return true;
        };
        Message answer = Message::parse(lines_.read(), is_shallow, false);
        if (!answer.is_object()) refuse_answer(program_, "a program that speaks QMP", "one that does not");
        return answer;
    }

    const QmpLines& lines_;
    std::string program_;
    Release release_;
};

// The properties in the answer to query-cpu-model-expansion.
Message properties_in(const Message& answer, const std::string& program) {
    Message properties =
        answer.value("return", Message::object()).value("model", Message::object()).value("props", Message());
    if (!properties.is_object()) {
        refuse_answer(program, "the properties of CPU models, as a QEMU for x86-64 lists them", "an answer without");
    }
    return properties;
}

// The versioned name of a model, and a refusal of those that are whatever the host has.
std::string settled_model(Qmp& qmp, const std::string& model) {
    if (model == plainest_qemu_model) return model;
    const Message definitions = qmp.ask("query-cpu-definitions", {});
    for (const Message& definition : definitions.value("return", Message::array())) {
        if (definition.value("name", std::string()) != model) continue;
        if (!definition.value("migration-safe", false)) {
            throw UsageError(printable(qmp.program()) + ": what the CPU model " + printable(model) +
                             " has depends on the host, so it cannot be the base of a policy");
        }
        return definition.value("alias-of", model);
    }
    return model;  // the expansion says what is wrong with it
}

// The properties of a model where those of wanted are on.
Message expand(Qmp& qmp, const std::string& model, const std::set<std::string>& wanted) {
    Message arguments{{"type", "full"}, {"model", {{"name", model}}}};
    for (const std::string& name : wanted) arguments["model"]["props"][name] = true;
    const Message answer = qmp.ask("query-cpu-model-expansion", arguments);
    if (answer.contains("error")) {
        const std::string why = answer["error"].value("desc", std::string("no reason given"));
        throw UsageError(printable(qmp.program()) + " has no CPU model " + printable(model) + ": " + printable(why));
    }
    return properties_in(answer, qmp.program());
}

std::map<std::string, bool> flags_of(const Message& properties) {
    std::map<std::string, bool> flags;
    for (const auto& [name, value] : properties.items()) {
        if (value.is_boolean()) flags[name] = value.get<bool>();
    }
    return flags;
}

// Those of the boolean properties that the QEMU has.
std::set<std::string> known_of(Qmp& qmp, const std::set<std::string>& properties) {
    const Message has = expand(qmp, plainest_qemu_model, {});
    std::set<std::string> known;
    for (const std::string& name : properties) {
        if (has.contains(name) && has[name].is_boolean()) known.insert(name);
    }
    return known;
}

QemuFacts facts_of(Qmp& qmp, const std::string& model, const std::set<std::string>& wanted) {
    QemuFacts facts;
    facts.program = qmp.program();
    facts.version = qmp.release().version;
    facts.full_version = qmp.release().text;
    facts.model = settled_model(qmp, model);
    const std::set<std::string> known_wanted = known_of(qmp, wanted);
    const Message plain = expand(qmp, plainest_qemu_model, known_wanted);
    const Message named = facts.model == plainest_qemu_model ? plain : expand(qmp, facts.model, known_wanted);
    facts.plain_flags = flags_of(plain);
    facts.flags = flags_of(named);
    for (const auto& [name, value] : named.items()) {
        if (value.is_boolean()) continue;
        facts.numbers.insert(name);
        if (value != plain.value(name, Message())) facts.model_numbers.insert(name);
    }
    return facts;
}

// A model as its properties describe it; the names of these are added to what the answer has.
QemuModel model_of(const Message& properties, const std::string& program, QemuModels& answer) {
    QemuModel model;
    model.vendor = properties.value("vendor", std::string());
    model.family = number_in(properties, "family", program);
    model.model = number_in(properties, "model", program);
    model.stepping = number_in(properties, "stepping", program);
    for (const auto& [property, value] : properties.items()) {
        if (value.is_number_unsigned()) {
            answer.numbers.insert(property);
            model.numbers[property] = value.get<std::uint64_t>();
        }
        if (!value.is_boolean()) continue;
        answer.properties.insert(property);
        if (value.get<bool>()) model.on.insert(property);
    }
    return model;
}

QemuModels models_of(Qmp& qmp, const std::set<std::string>& names, const std::set<std::string>& wanted) {
    QemuModels answer;
    answer.program = qmp.program();
    answer.full_version = qmp.release().text;
    const Message definitions = qmp.ask("query-cpu-definitions", {}).value("return", Message::array());
    for (const Message& definition : definitions) {
        const std::string name = definition.value("name", std::string());
        const bool is_own = definition.value("migration-safe", false) && !definition.contains("alias-of");
        if (names.empty() ? !is_own : !names.contains(name)) continue;
        const Message expansion = qmp.ask("query-cpu-model-expansion", {{"type", "full"}, {"model", {{"name", name}}}});
        answer.models[name] = model_of(properties_in(expansion, qmp.program()), qmp.program(), answer);
    }
    if (!wanted.empty()) {
        const std::set<std::string> known = known_of(qmp, wanted);
        const std::map<std::string, bool> flags = flags_of(expand(qmp, plainest_qemu_model, known));
        for (const std::string& name : known) {
            const auto flag = flags.find(name);
            if (flag != flags.end() && !flag->second) answer.dropped.insert(name);
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
        refuse_answer(program, "answers of the types that QEMU's have", error.what());
    }
}

}  // namespace

QemuFacts facts_over(const QmpLines& lines, const std::string& program, const std::string& model,
                     const std::set<std::string>& wanted) {
    return with_types_checked(program, [&] {
        Qmp qmp(lines, program);
        return facts_of(qmp, model, wanted);
    });
}

QemuModels models_over(const QmpLines& lines, const std::string& program, const std::set<std::string>& names,
                       const std::set<std::string>& wanted) {
    return with_types_checked(program, [&] {
        Qmp qmp(lines, program);
        return models_of(qmp, names, wanted);
    });
}

}  // namespace poolcpuid::render
