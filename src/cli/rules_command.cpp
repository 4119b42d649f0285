// poolcpuid rules: what the rulebook says, for people and for scripts.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr VendorMask all_vendors{0xFF};

struct RulesArguments {
    std::string rulebook;
    std::string format;
    std::string field;
    std::string directory;
    std::string rule;
    std::string vendor;
    std::string leaf;
    bool count = false;
};

ExitStatus lint(const RulesArguments& arguments) {
    if (arguments.directory.empty()) {
        const Rulebook& rulebook = builtin_rulebook();
        write_stdout("built-in rulebook " + std::string(rulebook.version) + ": " +
                     std::to_string(rulebook.fields.size()) + " fields; it was linted when the program was built\n");
        return ExitStatus::done;
    }
    const LoadResult result = load_rulebook(read_rulebook_directory(arguments.directory));
    if (arguments.format == "json") {
        Json findings = Json::array();
        for (const LintFinding& finding : result.findings) {
            findings.push_back({{"file", finding.file},
                                {"line", finding.line},
                                {"field", finding.field},
                                {"message", finding.message}});
        }
        write_stdout(json::text_of(Json{{"schema", "poolcpuid/lint/v1"}, {"findings", findings}}));
    } else {
        std::string text;
        for (const LintFinding& finding : result.findings) text += arguments.directory + "/" + finding.text() + "\n";
        if (result.findings.empty()) {
            text =
                arguments.directory + ": clean, " + std::to_string(result.rulebook.view().fields.size()) + " fields\n";
        }
        write_stdout(text);
    }
    return result.findings.empty() ? ExitStatus::done : ExitStatus::bad_input;
}

VendorMask vendor_mask(const Rulebook& rulebook, const std::string& id) {
    if (const auto vendor = rulebook.vendor_named(id)) return static_cast<VendorMask>(1U << *vendor);
    std::string known;
    for (const Vendor& vendor : rulebook.vendors) known += " " + std::string(vendor.id);
    throw UsageError("--vendor: no vendor \"" + id + "\" (there are:" + known + ")");
}

std::vector<FieldIndex> selected(const RulesArguments& arguments, const Rulebook& rulebook) {
    const VendorMask vendors = arguments.vendor.empty() ? all_vendors : vendor_mask(rulebook, arguments.vendor);
    const auto leaf = arguments.leaf.empty() ? std::nullopt : from_hex(arguments.leaf, 8);
    if (!arguments.leaf.empty() && !leaf)
        throw UsageError("--leaf takes a leaf or MSR index as 0x…, not \"" + arguments.leaf + "\"");
    std::vector<FieldIndex> fields;
    for (std::size_t i = 0; i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        if ((field.vendors & vendors) == 0 || (leaf && field.leaf != *leaf)) continue;
        if (!arguments.rule.empty() && to_string(field.rule) != arguments.rule) continue;
        fields.push_back(static_cast<FieldIndex>(i));
    }
    return fields;
}

ExitStatus list(const RulesArguments& arguments) {
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::vector<FieldIndex> fields = selected(arguments, rulebook);
    if (arguments.count) {
        emit(
            {arguments.format, ""}, [&] { return rules_count_json(rulebook, fields); },
            [&](Page& page) { rules_count(rulebook, fields, page); });
    } else {
        emit(
            {arguments.format, ""}, [&] { return rules_json(rulebook, fields); },
            [&](Page& page) { rules_table(rulebook, fields, page); });
    }
    return ExitStatus::done;
}

ExitStatus levels(const RulesArguments& arguments) {
    const RulebookChoice choice(arguments.rulebook);
    emit(
        {arguments.format, ""}, [&] { return rules_levels_json(choice.get()); },
        [&](Page& page) { rules_levels(choice.get(), page); });
    return ExitStatus::done;
}

ExitStatus show(const RulesArguments& arguments) {
    const RulebookChoice choice(arguments.rulebook);
    const Rulebook& rulebook = choice.get();
    const std::vector<FieldIndex> fields = rulebook.find_printed_name(arguments.field);
    if (fields.empty()) {
        throw UsageError("no field has the name \"" + arguments.field + "\"" +
                         rulebook::did_you_mean(rulebook, all_vendors, arguments.field) +
                         " (see poolcpuid rules list)");
    }
    emit(
        {arguments.format, ""}, [&] { return rules_json(rulebook, fields); },
        [&](Page& page) { rules_details(rulebook, fields, page); });
    return ExitStatus::done;
}

std::vector<std::string> rule_names() {
    std::vector<std::string> names;
    for (const auto& [word, rule] : rulebook::rule_words) names.emplace_back(word);
    return names;
}

void add_common(CLI::App* verb, RulesArguments& arguments) {
    verb->add_option("--rulebook", arguments.rulebook, "Read the rulebook in DIR instead of the built-in one")
        ->type_name("DIR");
    verb->add_option("--format", arguments.format, "json or text; default: text on a terminal, else json")
        ->check(one_of({"json", "text"}))
        ->type_name("FORMAT");
}

}  // namespace

void add_rules_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<RulesArguments>();
    verb.require_subcommand(1);

    CLI::App* list_verb = verb.add_subcommand("list", "List the fields");
    add_common(list_verb, *arguments);
    list_verb->add_option("--rule", arguments->rule, "Only fields of this rule")
        ->check(one_of(rule_names()))
        ->type_name("RULE");
    list_verb
        ->add_option("--vendor", arguments->vendor, "Only fields of this vendor: intel, amd, hygon, zhaoxin, centaur")
        ->type_name("VENDOR");
    list_verb->add_option("--leaf", arguments->leaf, "Only fields of this leaf or MSR: 0x7")->type_name("LEAF");
    list_verb->add_flag("--count", arguments->count, "Print only how many fields there are of each rule");
    list_verb->callback([&action, arguments] { action = [arguments] { return list(*arguments); }; });

    CLI::App* show_verb = verb.add_subcommand("show", "What there is to know of one field");
    add_common(show_verb, *arguments);
    show_verb
        ->add_option("FIELD", arguments->field,
                     "Its id, what Intel, AMD, Linux, QEMU, libvirt, Xen, VMware or NFD call it, or what a "
                     "report does")
        ->required();
    show_verb->callback([&action, arguments] { action = [arguments] { return show(*arguments); }; });

    CLI::App* levels_verb =
        verb.add_subcommand("levels", "List what merge --ceiling can name: levels, and CPU models of QEMU and libvirt");
    add_common(levels_verb, *arguments);
    levels_verb->callback([&action, arguments] { action = [arguments] { return levels(*arguments); }; });

    CLI::App* lint_verb = verb.add_subcommand("lint", "Check a rulebook directory; exit 3 when something is wrong");
    lint_verb->add_option("DIR", arguments->directory,
                          "The directory (default: say that the built-in rulebook was linted)");
    lint_verb->add_option("--format", arguments->format, "json or text (default)")
        ->check(one_of({"json", "text"}))
        ->type_name("FORMAT");
    lint_verb->callback([&action, arguments] { action = [arguments] { return lint(*arguments); }; });
}

}  // namespace poolcpuid::cli
