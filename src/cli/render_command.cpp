// poolcpuid render: a policy in a VMM's own language.
#include <CLI/CLI.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/losses.hpp"
#include "cli/manner.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/render.hpp"

namespace poolcpuid::cli {

namespace {

struct RenderArguments {
    std::string target;
    std::string policy;
    std::vector<std::string> hosts;
    std::string format = "text";
    std::string base;
    std::string qemu;
    std::string accelerator = "kvm";
    std::string cpu_map;
    std::string xen;
    std::string form;
    std::string output;
    std::string rulebook;
    bool strict = false;
};

// What --qemu says: a program to ask, or a version. Without it, the program that is installed, if any.
std::optional<QemuFacts> qemu_facts(const RenderArguments& arguments, const std::string& base,
                                    const std::set<std::string>& wanted) {
    if (const auto version = parse_version(arguments.qemu)) {
        QemuFacts facts;
        facts.version = *version;
        return facts;
    }
    const std::optional<std::string> program = arguments.qemu.empty() ? find_qemu() : std::optional(arguments.qemu);
    if (!program) return std::nullopt;
    log_debug("asking " + *program);
    return ask_qemu(*program, base.empty() ? plainest_qemu_model : base, wanted);
}

std::optional<CpuMap> cpu_map(const RenderArguments& arguments) {
    const std::optional<std::string> directory = arguments.cpu_map.empty() ? find_cpu_map() : arguments.cpu_map;
    if (!directory) return std::nullopt;
    return read_cpu_map(*directory);
}

// What the QEMU of --qemu says of the map's models. Without the option the one that is installed is asked where the
// map is the one that is installed: they are a pair.
std::optional<QemuModels> qemu_models(const RenderArguments& arguments, const Rulebook& rulebook, const CpuMap& map,
                                      const PoolPolicy& policy) {
    if (parse_version(arguments.qemu)) {
        throw UsageError("which CPU models QEMU " + arguments.qemu + " has is not known here: --qemu PATH asks it");
    }
    std::optional<std::string> program;
    if (!arguments.qemu.empty()) {
        program = arguments.qemu;
    } else if (arguments.cpu_map.empty()) {
        program = find_qemu();
    }
    if (!program) return std::nullopt;
    std::set<std::string> names{arguments.base};
    for (const auto& [name, model] : map.models) {
        if (model.vendor.empty() || model.vendor == policy.vendor) names.insert(name);
    }
    log_debug("asking " + *program);
    return ask_qemu_models(*program, names, qemu_properties(rulebook, policy, QemuAccelerator::kvm));
}

// What the target starts from: the model of --base, else the nearest of those that Proxmox reports, where there is a
// QEMU to ask.
void ask_for_proxmox(const RenderArguments& arguments, const Rulebook& rulebook, const PoolPolicy& policy,
                     RenderOptions& options) {
    const bool is_version = parse_version(arguments.qemu).has_value();
    const std::optional<std::string> program = arguments.qemu.empty() ? find_qemu() : std::optional(arguments.qemu);
    if (program && !is_version) {
        log_debug("asking " + *program);
        options.qemu_models = ask_qemu_models(*program, proxmox_models(rulebook, policy));
        const auto nearest = nearest_proxmox_model(rulebook, policy, *options.qemu_models);
        if (options.base.empty() && nearest) options.base = nearest->name;
    }
    options.qemu = qemu_facts(arguments, options.base, qemu_properties(rulebook, policy, options.accelerator));
}

// The VMM whose options the target takes, or empty.
std::string_view through(const std::string& name) {
    for (const RenderTarget& target : render_targets()) {
        if (target.name == name) return target.through;
    }
    return {};
}

// Throws when an option is not for the target: what is silently ignored is a trap.
void check_options(const RenderArguments& arguments) {
    const auto only_for = [&](bool is_given, const char* option, bool is_for) {
        if (is_given && !is_for) throw UsageError(std::string(option) + " is not for the target " + arguments.target);
    };
    const std::string& target = arguments.target;
    const bool is_qemu = through(target) == "qemu";
    const bool is_libvirt = through(target) == "libvirt";
    only_for(!arguments.base.empty(), "--base", is_qemu || is_libvirt);
    only_for(!arguments.qemu.empty(), "--qemu", is_qemu || is_libvirt);
    only_for(arguments.accelerator != "kvm", "--accel", target == "qemu");
    only_for(!arguments.cpu_map.empty(), "--cpu-map", is_libvirt);
    only_for(!arguments.xen.empty(), "--xen", through(target) == "xen");
    only_for(!arguments.form.empty(), "--form", target == "xen");
}

std::optional<VmmVersion> xen_release(const RenderArguments& arguments) {
    if (arguments.xen.empty()) return std::nullopt;
    const auto release = parse_version(arguments.xen);
    if (!release) throw UsageError("--xen takes a release, like 4.17: \"" + arguments.xen + "\"");
    return release;
}

std::vector<HostDump> hosts_of(const RenderArguments& arguments) {
    Inputs inputs = read_inputs(arguments.hosts);
    if (report_unreadable(inputs)) {
        throw InputError("--hosts", 0, "hosts that can be read",
                         std::to_string(inputs.unreadable.size()) + " that cannot");
    }
    return std::move(inputs.hosts);
}

// Logs what the target cannot say: with --strict all of it, as errors, for each fails the run; else what may hurt the
// guest, as warnings, where the remarks do not say it. Plain --format json has it in the result.
void log_losses(const RenderArguments& arguments, const Rendering& rendering, const Rulebook& rulebook) {
    const bool is_said = !manner().quiet || arguments.format == "json";
    if (!arguments.strict && is_said && !is_read_by_programs(manner())) return;
    for (const Loss& loss : losses_of(rendering, rulebook)) {
        if (!arguments.strict && loss.impact == Impact::cosmetic) continue;
        Problem problem{.kind = "inexpressible",
                        .message = (arguments.strict ? "--strict: " : "") + arguments.target +
                                   " cannot say all: " + loss.heading() + loss.text};
        problem.telling = to_string(loss.telling);
        problem.impact = to_string(loss.impact);
        problem.fields = loss.fields;
        arguments.strict ? log_error(problem) : log_warning(problem);
    }
}

ExitStatus render(const RenderArguments& arguments) {
    check_options(arguments);
    check_output(arguments.output, {arguments.policy}, arguments.hosts);
    const RulebookChoice rulebook(arguments.rulebook);
    const PoolPolicy policy = read_bound(arguments.policy, rulebook.get());
    RenderOptions options;
    options.base = arguments.base;
    if (arguments.accelerator == "tcg") options.accelerator = QemuAccelerator::tcg;
    if (arguments.target == "proxmox") {
        ask_for_proxmox(arguments, rulebook.get(), policy, options);
    } else if (through(arguments.target) == "qemu") {
        options.qemu =
            qemu_facts(arguments, arguments.base, qemu_properties(rulebook.get(), policy, options.accelerator));
    }
    if (through(arguments.target) == "libvirt") {
        options.cpu_map = cpu_map(arguments);
        if (options.cpu_map) {
            options.qemu_models = qemu_models(arguments, rulebook.get(), *options.cpu_map, policy);
        } else if (!arguments.qemu.empty()) {
            throw UsageError("--qemu needs libvirt's cpu_map, to know which models to ask for: --cpu-map DIR");
        }
    }
    options.xen = xen_release(arguments);
    if (!arguments.form.empty()) options.xen_form = arguments.form == "xend" ? XenForm::xend : XenForm::libxl;
    if (!arguments.hosts.empty()) options.hosts = hosts_of(arguments);

    const Rendering rendering = render_policy(rulebook.get(), policy, arguments.target, options);
    if (arguments.format == "json") {
        write_result(arguments.output, to_json(policy, rulebook.get(), rendering));
    } else {
        write_result(arguments.output, rendering.output);
        remark([&](Page& page) { render_text(policy, rulebook.get(), rendering, page); });
    }
    log_losses(arguments, rendering, rulebook.get());
    return arguments.strict && !rendering.inexpressible.empty() ? ExitStatus::different : ExitStatus::done;
}

}  // namespace

void add_render_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<RenderArguments>();
    std::vector<std::string> targets;
    std::string help;
    for (const RenderTarget& target : render_targets()) {
        targets.emplace_back(target.name);
        help += (help.empty() ? "" : ". ") + targets.back() + ": " + std::string(target.what);
    }
    verb.add_option("--to", arguments->target, help)->required()->check(one_of(targets))->type_name("TARGET");
    verb.add_option("POLICY", arguments->policy, "The policy, or - for stdin")->required();
    verb.add_option("--hosts", arguments->hosts, "Dumps of the pool's hosts: says what each needs beyond the text")
        ->type_name("HOST...");
    verb.add_option("--format", arguments->format,
                    "text (default): the VMM's text alone, with remarks on standard error. json: all of it")
        ->check(one_of({"json", "text"}))
        ->type_name("FORMAT");
    verb.add_flag("--strict", arguments->strict, "Exit 1 when the target cannot say all of the policy");
    verb.add_option("--base", arguments->base,
                    "The CPU model to start from. Default: qemu, incus: the plainest; others: the nearest")
        ->type_name("MODEL");
    verb.add_option(
            "--qemu", arguments->qemu,
            "qemu, incus: the program to ask for its names, or a version (9.2) to take as known. proxmox: the program. "
            "Default: the one that is installed. libvirt, nova, kubevirt: the program to ask for its CPU models. "
            "Default: with the cpu_map that is installed, the QEMU that is")
        ->type_name("PATH");
    verb.add_option("--accel", arguments->accelerator, "qemu: kvm (default), or tcg for a guest that is emulated")
        ->check(one_of({"kvm", "tcg"}))
        ->type_name("ACCEL");
    verb.add_option(
            "--cpu-map", arguments->cpu_map,
            "libvirt, nova, kubevirt: the directory of libvirt's CPU models. Default: the one that is installed")
        ->type_name("DIR");
    verb.add_option("--xen", arguments->xen,
                    "xapi, xen: the release that the hosts run (4.17). Default: the newest that is known")
        ->type_name("VERSION");
    verb.add_option("--form", arguments->form,
                    "xen: libxl for features by name, xend for registers bit by bit. Default: the one that loses less")
        ->check(one_of({"libxl", "xend"}))
        ->type_name("FORM");
    add_output_option(verb, arguments->output, "Write to FILE instead of standard output");
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "What the target cannot say is listed with what the guest sees instead and\n"
        "what that costs; it is never dropped silently. Bits that the VMM fills in are\n"
        "left to it. docs/render.md says what to paste where.\n\n"
        "Exit status 0: rendered; 1: with --strict, not all of it.\n\n"
        "Examples:\n"
        "  qemu-system-x86_64 -cpu \"$(poolcpuid render --to qemu pool.json)\" ...\n"
        "  poolcpuid render --to qemu --base EPYC-Rome-v2 pool.json\n"
        "  poolcpuid render --to libvirt pool.json -o cpu.xml\n"
        "  poolcpuid render --to proxmox pool.json   a section of cpu-models.conf\n"
        "  poolcpuid render --to kvm pool.json --format json | jq .inexpressible\n"
        "  poolcpuid render --to qemu pool.json --hosts hosts/   what each host needs");
    verb.callback([&action, arguments] { action = [arguments] { return render(*arguments); }; });
}

}  // namespace poolcpuid::cli
