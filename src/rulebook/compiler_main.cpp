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
#include <sstream>
#include <string>
#include <string_view>

#include "poolcpuid/load_rulebook.hpp"

namespace {

using namespace poolcpuid;

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c == '\n' ? ' ' : c;
    }
    return result + "\"";
}

std::string hex(std::uint64_t value) {
    std::ostringstream out;
    out << "0x" << std::hex << value << "U";
    return out.str();
}

// Writes the tables. A list inside an entry becomes an array of its own, named by a running number,
// that stands before the table which refers to it.
class Emitter {
public:
    explicit Emitter(const Rulebook& rulebook) : rulebook_(rulebook) {}

    std::string run() {
        const std::string tables =
            table("Vendor", "vendors", rulebook_.vendors) +
            table("Vulnerability", "vulnerabilities", rulebook_.vulnerabilities) +
            table("Field", "fields", rulebook_.fields) + table("Dependency", "dependencies", rulebook_.dependencies) +
            table("EqualityGroup", "equality", rulebook_.equality) +
            table("RetpolineBits", "retpoline", rulebook_.retpoline) +
            table("XsaveComponent", "xsave", rulebook_.xsave) + table("Model", "models", rulebook_.models) +
            table("Level", "levels", rulebook_.levels) + table("SourceKey", "sources", rulebook_.sources);
        return "// Made by rulebook_compiler from policy/; do not edit.\n#include \"poolcpuid/rulebook.hpp\"\n\n"
               "namespace poolcpuid {\nnamespace {\n" +
               lists_ + tables + "constexpr Rulebook rulebook{" + quoted(rulebook_.version) + ", " +
               quoted(rulebook_.sha256) + ", vendors, vulnerabilities, fields, dependencies, equality, retpoline, " +
               hex(rulebook_.xsave_legacy_size) +
               ", xsave, models, levels, sources};\n}  // namespace\n\n"
               "const Rulebook& builtin_rulebook() noexcept { return rulebook; }\n\n}  // namespace poolcpuid\n";
    }

private:
    // The entries in braces, or an empty span where the language allows no empty array.
    template <typename Entry>
    std::string table(const char* type, const char* name, std::span<const Entry> entries) {
        if (entries.empty()) return std::string("constexpr std::span<const ") + type + "> " + name + "{};\n";
        std::string text = std::string("constexpr ") + type + " " + name + "[] = {\n";
        for (const Entry& entry : entries) text += "    " + item(entry) + ",\n";
        return text + "};\n";
    }

    template <typename Entry>
    std::string list(const char* type, std::span<const Entry> entries) {
        if (entries.empty()) return "{}";
        std::string items;
        for (const Entry& entry : entries) items += item(entry) + ", ";
        const std::string name = "list_" + std::to_string(next_list_++);
        lists_ += std::string("constexpr ") + type + " " + name + "[] = {" + items + "};\n";
        return name;
    }

    std::string item(std::string_view text) { return quoted(text); }
    std::string item(FieldIndex index) { return std::to_string(index); }
    std::string item(VulnerabilityIndex index) { return std::to_string(index); }
    std::string item(const GuardTerm& term) {
        return "{" + std::to_string(term.field) + ", " + boolean(term.negated) + "}";
    }
    std::string item(const BitSource& source) { return "{" + number(source.bit) + ", " + number(source.field) + "}"; }
    std::string item(const Choice& choice) { return "{" + number(choice.condition) + ", " + hex(choice.value) + "}"; }
    std::string item(const Cover& cover) { return "{" + number(cover.bit) + ", " + hex(cover.covered) + "LL}"; }
    std::string item(const Easing& easing) {
        return "{" + number(easing.field) + ", " + enumerator("Impact", easing.impact) + "}";
    }
    std::string item(std::span<const GuardTerm> terms) { return list("GuardTerm", terms); }
    std::string item(const NumberRange& range) { return "{" + hex(range.first) + ", " + hex(range.last) + "}"; }
    std::string item(const SiliconFact& fact) {
        return "{" + std::to_string(fact.field) + ", " + hex(fact.value) + "}";
    }
    std::string item(const MicrocodeFacts& facts) {
        return "{" + hex(facts.from) + ", " + hex(facts.below) + ", " + list("SiliconFact", facts.silicon) + "}";
    }
    std::string item(const XsaveLayout& layout) {
        return "{" + hex(layout.vendors) + ", " + hex(layout.size) + ", " + hex(layout.offset) + ", " +
               boolean(layout.align64) + ", " + quoted(layout.source) + "}";
    }

    std::string item(const VmmVersion& version) {
        return "VmmVersion{" + number(version.major) + ", " + number(version.minor) + "}";
    }
    std::string item(const NameAge& age) {
        return "{" + item(age.since) + ", " + (age.absent ? item(*age.absent) : "std::nullopt") + "}";
    }

    std::string item(const Vendor& vendor) {
        return "{" + quoted(vendor.id) + ", " + quoted(vendor.name) + ", " + list("std::string_view", vendor.strings) +
               "}";
    }

    std::string item(const Vulnerability& vulnerability) {
        return "{" + quoted(vulnerability.id) + ", " + quoted(vulnerability.name) + ", " +
               quoted(vulnerability.source) + "}";
    }

    static std::string number(unsigned value) { return std::to_string(value); }
    static std::string boolean(bool value) { return value ? "true" : "false"; }
    template <typename Enum>
    static std::string enumerator(const char* type, Enum value) {
        return std::string("static_cast<") + type + ">(" + std::to_string(static_cast<unsigned>(value)) + ")";
    }

    std::string item(const Field& f) {
        std::string text = "{" + quoted(f.id) + ", " + boolean(f.is_msr) + ", " + hex(f.leaf) + ", " +
                           hex(f.subleaf_first) + ", " + hex(f.subleaf_last) + ", " + enumerator("Register", f.reg);
        text += ", " + number(f.low) + ", " + number(f.high) + ", " + hex(f.vendors) + ", " +
                enumerator("Rule", f.rule) + ", " + enumerator("Exposure", f.exposure) + ", " +
                enumerator("Impact", f.impact) + ", " + list("VulnerabilityIndex", f.mitigation);
        text += ", " + boolean(f.required) + ", " + boolean(f.emulated) + ", " + boolean(f.by_microcode) + ", " +
                boolean(f.of_identity) + ", " + boolean(f.zero_has_meaning) + ", " + hex(f.zero_means) + ", " +
                number(f.zero_means_field) + ", " + number(f.gate) + ", " + item(f.implied_by) + ", " +
                number(f.length_from) + ", " + list("Cover", f.covers) + ", " + list("Easing", f.eased_by) + ", " +
                quoted(f.ask);
        text += ", {" + list("std::span<const GuardTerm>", f.guard.immune) + ", " +
                list("std::string_view", f.guard.model) + "}";
        text += ", {" + enumerator("Makers", f.made.by) + ", " + list("std::span<const GuardTerm>", f.made.where) +
                ", " + list("std::string_view", f.made.model) + ", " + quoted(f.made.source) + "}";
        text += ", {" + enumerator("Derivation", f.derive.how) + ", {" + hex(f.derive.from.leaf) + ", " +
                hex(f.derive.from.subleaf) + "}, " + enumerator("Register", f.derive.reg) + ", " +
                number(f.derive.condition) + ", " + hex(f.derive.then_value) + ", " + hex(f.derive.else_value) + ", " +
                hex(f.derive.msr) + ", " + hex(f.derive.default1) + ", " + list("BitSource", f.derive.bits) + ", " +
                list("Choice", f.derive.choices) + "}";
        text += ", {" + quoted(f.names.vendor) + ", " + quoted(f.names.linux) + ", " + quoted(f.names.qemu) + ", " +
                quoted(f.names.libvirt) + ", " + quoted(f.names.xen) + ", " + item(f.names.qemu_age) + "}";
        return text + ", " + quoted(f.why) + ", " + quoted(f.source) + "}";
    }

    std::string item(const Dependency& d) {
        return "{" + list("FieldIndex", d.prerequisites) + ", " + list("FieldIndex", d.dependents) + ", " +
               quoted(d.why) + ", " + quoted(d.source) + "}";
    }

    std::string item(const EqualityGroup& g) {
        return "{" + quoted(g.id) + ", " + list("FieldIndex", g.fields) + ", " + list("FieldIndex", g.drop) + ", " +
               quoted(g.why) + ", " + quoted(g.source) + "}";
    }

    std::string item(const RetpolineBits& r) {
        return "{" + number(r.rsba) + ", " + number(r.rrsba) + ", " + number(r.eibrs) + ", " + quoted(r.why) + ", " +
               quoted(r.source) + "}";
    }

    std::string item(const XsaveComponent& c) {
        return "{" + quoted(c.id) + ", " + number(c.bit) + ", " + enumerator("XsaveState", c.state) + ", " +
               list("FieldIndex", c.features) + ", " + list("XsaveLayout", c.layouts) + ", " + hex(c.together) +
               "LL, " + quoted(c.why) + ", " + quoted(c.source) + "}";
    }

    std::string item(const Model& m) {
        return "{" + hex(m.vendors) + ", " + hex(m.family) + ", " + list("NumberRange", m.models) + ", " +
               list("NumberRange", m.steppings) + ", " + quoted(m.name) + ", " + quoted(m.microarchitecture) + ", " +
               number(m.generation) + ", " + list("SiliconFact", m.silicon) + ", " +
               list("MicrocodeFacts", m.microcode) + ", " + list("std::string_view", m.immune) + ", " +
               list("std::string_view", m.inferred) + ", " + quoted(m.source) + "}";
    }

    std::string item(const Level& level) {
        return "{" + quoted(level.id) + ", " + list("FieldIndex", level.features) + "}";
    }

    std::string item(const SourceKey& source) { return "{" + quoted(source.key) + ", " + quoted(source.means) + "}"; }

    const Rulebook& rulebook_;
    std::string lists_;
    std::size_t next_list_ = 0;
};

int compile(const std::string& directory, const std::string& output) {
    const LoadResult result = load_rulebook(read_rulebook_directory(directory));
    for (const LintFinding& finding : result.findings) std::cerr << directory << "/" << finding.text() << "\n";
    if (!result.findings.empty()) return 1;

    std::ofstream out(output, std::ios::binary);
    out << Emitter(result.rulebook.view()).run();
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
