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
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "poolcpuid/load_rulebook.hpp"
#include "rulebook/members.hpp"

// There is none in the program that makes it.
struct poolcpuid::BuiltinRulebook {};
const poolcpuid::BuiltinRulebook poolcpuid::builtin_rulebook_data{};

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

const std::string head = R"(// Made by rulebook_compiler from policy/; do not edit.
#include <cstddef>
#include <type_traits>

#include "poolcpuid/rulebook.hpp"

#pragma GCC diagnostic ignored "-Woverlength-strings"

namespace poolcpuid {

struct BuiltinRulebook {
    Rulebook book;
)";

// Writes a rulebook as C++: one object that holds it, an array of each type of record, and all text. A list is named by
// its distance from the start of that object, and so is a text: pointers would have to be filled in at each start.
class Emitter {
public:
    std::string run(const Rulebook& book) {
        const std::string book_item = item(book);
        std::string members;
        std::string distances;
        std::string values;
        const auto put = [&](const std::string& type, const std::string& name, std::size_t size) {
            members += "    " + type + " " + name + "[" + number(size) + "];\n";
            distances += "constexpr std::size_t to_" + name + " = offsetof(BuiltinRulebook, " + name + ");\n";
        };
        for (const auto& [type, array] : arrays_) {
            put(type, array.name, array.size);
            values += "{" + array.items + "},\n";
        }
        put("char", "text", text_size_ + 1);  // the literal ends with a zero
        return head + members + "};\nstatic_assert(std::is_standard_layout_v<BuiltinRulebook>);\n\n" +  // for offsetof
               "namespace {\n" + distances + "}  // namespace\n\n" +
               "constinit const BuiltinRulebook builtin_rulebook_data = {\n" + book_item + ",\n" + values + literals_ +
               "};\n\nconst Rulebook& builtin_rulebook() noexcept { return builtin_rulebook_data.book; }\n\n" +
               "}  // namespace poolcpuid\n";
    }

private:
    // All records of a type; a list of them is a part of it.
    struct Array {
        std::string name;
        std::string items;
        std::size_t size = 0;
    };

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

    std::string item(Text text) {
        if (text.empty()) return "{}";
        const auto [at, is_new] = texts_.try_emplace(std::string(text), text_size_);
        if (is_new) {
            literals_ += quoted(text) + "\n";
            text_size_ += text.size();
        }
        return "{to_text + " + number(at->second) + ", " + number(text.size()) + "}";
    }

    template <typename Type>
    std::string item(const std::optional<Type>& value) {
        return value ? item(*value) : "std::nullopt";
    }

    template <typename Entry>
    std::string item(List<Entry> entries) {
        if (entries.empty()) return "{}";
        std::string items;
        for (const Entry& entry : entries) items += item(entry) + ",\n";
        const std::string& type = name_of<Entry>;
        Array& array = arrays_.try_emplace(type, Array{"list_" + std::to_string(arrays_.size()), "", 0}).first->second;
        const std::size_t first = array.size;
        array.items += items;
        array.size += entries.size();
        return "{to_" + array.name + " + " + number(first) + " * sizeof(" + type + "), " + number(entries.size()) + "}";
    }

    std::map<std::string, Array> arrays_;       // by the name of the type
    std::map<std::string, std::size_t> texts_;  // where each stands in the text of all
    std::string literals_;
    std::size_t text_size_ = 0;
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
