// The build's rulebook compiler: policy/ in, a C++ file with the flat tables out.
//
//   rulebook_compiler POLICY_DIR OUTPUT.cpp
//
// It loads and lints the directory with the same code as --rulebook does, so a rulebook that the
// program would refuse does not build.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/members.hpp"

namespace {

using namespace poolcpuid;

template <typename Type>
const std::string name_of = rulebook::type_name(static_cast<const Type*>(nullptr));

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c == '\n' ? "\\n" : std::string(1, c);
    }
    return result + "\"";
}

std::string number(std::uint64_t value) {
    std::ostringstream out;
    out << "0x" << std::hex << value << (value > 0xFFFFFFFFU ? "ULL" : "U");
    return out.str();
}

// Writes records as C++, by their members. A list becomes an array of its own, named by a running number, that stands
// before the record which refers to it.
class Emitter {
public:
    std::string run(const Rulebook& book) {
        const std::string text = item(book);
        return "// Made by rulebook_compiler from policy/; do not edit.\n#include \"poolcpuid/rulebook.hpp\"\n\n"
               "namespace poolcpuid {\nnamespace {\n" +
               lists_ + "constexpr Rulebook rulebook = " + text +
               ";\n}  // namespace\n\n"
               "const Rulebook& builtin_rulebook() noexcept { return rulebook; }\n\n}  // namespace poolcpuid\n";
    }

private:
    template <typename Type>
    std::string item(const Type& value) {
        if constexpr (std::is_same_v<Type, bool>) {
            return value ? "true" : "false";
        } else if constexpr (std::is_integral_v<Type>) {
            return number(value);
        } else if constexpr (std::is_enum_v<Type>) {
            return "static_cast<" + name_of<Type> + ">(" + number(static_cast<unsigned>(value)) + ")";
        } else {
            std::string text;
            std::apply([&](const auto&... member) { ((text += (text.empty() ? "" : ", ") + item(member)), ...); },
                       rulebook::members(value));
            return name_of<Type> + "{" + text + "}";
        }
    }

    std::string item(std::string_view text) { return quoted(text); }

    template <typename Type>
    std::string item(const std::optional<Type>& value) {
        return value ? item(*value) : "std::nullopt";
    }

    // An empty span where the language allows no empty array.
    template <typename Entry>
    std::string item(std::span<const Entry> entries) {
        if (entries.empty()) return "{}";
        std::string items;
        for (const Entry& entry : entries) items += item(entry) + ",\n";
        const std::string name = "list_" + std::to_string(next_list_++);
        lists_ += "constexpr " + name_of<Entry> + " " + name + "[] = {" + items + "};\n";
        return name;
    }

    std::string lists_;
    std::size_t next_list_ = 0;
};

int compile(const std::string& directory, const std::string& output) {
    const LoadResult result = load_rulebook(read_rulebook_directory(directory));
    for (const LintFinding& finding : result.findings) std::cerr << directory << "/" << finding.text() << "\n";
    if (!result.findings.empty()) return 1;

    std::ofstream out(output, std::ios::binary);
    out << Emitter().run(result.rulebook.view());
    out.close();
    if (!out) {
        std::cerr << output << ": cannot be written\n";
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: rulebook_compiler POLICY_DIR OUTPUT.cpp\n", stderr);
        return 2;
    }
    try {
        return compile(argv[1], argv[2]);
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
