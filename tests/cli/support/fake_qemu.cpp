#include "tests/cli/support/fake_qemu.hpp"

#include <filesystem>

namespace poolcpuid::test {

namespace {

// The script keeps the line that was asked in $line and what the model has in $on.
constexpr const char* head = R"(#!/bin/sh
is_on() {
    case $on in *" $1 "*) return 0 ;; esac
    case $line in *"\"$1\":true"*) return 0 ;; esac
    return 1
}
flag() { printf '"%s": %s, ' "$1" "$2"; }
)";

std::string flag_lines(const FakeQemu& qemu) {
    std::string lines;
    for (const auto& [name, others] : qemu.flags) {
        std::vector<std::string> names{name};
        names.insert(names.end(), others.begin(), others.end());
        std::string test;
        for (const std::string& one : names) test += (test.empty() ? "is_on " : " || is_on ") + one;
        const auto need = qemu.needs.find(name);
        if (need != qemu.needs.end()) test = "is_on " + need->second + " && { " + test + "; }";
        lines += "    if " + test + "; then value=true; else value=false; fi\n";
        for (const std::string& one : names) lines += "    flag " + one + " $value\n";
    }
    return lines;
}

std::string answers(const FakeQemu& qemu) {
    std::string definitions;
    std::string expansions;
    auto models = qemu.models;
    models["base"];
    for (const auto& [name, model] : models) {
        definitions += (definitions.empty() ? "" : ", ") + ("{\"name\": \"" + name + "\", \"migration-safe\": ") +
                       (model.is_migration_safe ? "true" : "false") +
                       (model.alias_of.empty() ? "" : ", \"alias-of\": \"" + model.alias_of + "\"") + "}";
        if (!model.alias_of.empty()) continue;
        std::string on = " ";
        for (const std::string& flag : model.on) on += flag + " ";
        std::string numbers;
        for (const std::string& number : qemu.numbers) {
            const auto value = model.numbers.find(number);
            numbers +=
                "\"" + number + "\": " + (value == model.numbers.end() ? "0" : std::to_string(value->second)) + ", ";
        }
        expansions += "    *'\"name\":\"" + name + "\"'*) on='" + on + "'; numbers='" + numbers + "'; expand ;;\n";
    }
    return "    *query-cpu-definitions*) echo '{\"return\": [" + definitions + "]}' ;;\n" + expansions;
}

}  // namespace

std::string FakeQemu::write(const TemporaryDirectory& directory) const {
    const std::string version =
        "{\"micro\": 3, \"minor\": " + std::to_string(minor) + ", \"major\": " + std::to_string(major) + "}";
    const std::string path = directory.write(
        "qemu", head +
                    ("expand() {\n    printf '{\"return\": {\"model\": {\"name\": \"x\", \"props\": {'\n" +
                     flag_lines(*this) + "    printf '%s\"model-id\": \"\"}}}}\\n' \"$numbers\"\n}\n") +
                    "echo '{\"QMP\": {\"version\": {\"qemu\": " + version + "}, \"capabilities\": []}}'\n" +
                    "while read -r line; do\n    case $line in\n" +
                    "    *qmp_capabilities*) echo '{\"return\": {}}' ;;\n" + answers(*this) +
                    "    *) echo '{\"error\": {\"class\": \"GenericError\", \"desc\": \"unknown\"}}' ;;\n" +
                    "    esac\ndone\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

}  // namespace poolcpuid::test
