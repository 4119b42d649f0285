// poolcpuid show: what a guest with a policy gets.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/texts.hpp"
#include "poolcpuid/guest_cpu.hpp"
#include "poolcpuid/render.hpp"

namespace poolcpuid::cli {

namespace {

struct ShowArguments {
    std::string policy;
    std::string names{tongues.front()};
    std::string qemu;
    std::string cpu_map;
    ResultOptions result;
    std::string rulebook;
};

std::optional<ModelChoice> qemu_choice(const ShowArguments& arguments, const Rulebook& rulebook,
                                       const PoolPolicy& policy) {
    if (arguments.qemu.empty()) return std::nullopt;
    log_debug("asking " + arguments.qemu);
    const QemuModels models = ask_qemu_models(arguments.qemu, {});
    const auto nearest = nearest_qemu_model(rulebook, policy, models);
    if (!nearest) return std::nullopt;
    return ModelChoice{*nearest, "QEMU " + models.full_version + ", asked " + models.program};
}

// The model that render chooses, and that a QEMU has where one is asked.
std::optional<ModelChoice> libvirt_choice(const ShowArguments& arguments, const Rulebook& rulebook,
                                          const PoolPolicy& policy) {
    if (arguments.cpu_map.empty()) return std::nullopt;
    RenderOptions options;
    options.cpu_map = read_cpu_map(arguments.cpu_map);
    if (!arguments.qemu.empty()) {
        std::set<std::string> names;
        for (const auto& [name, model] : options.cpu_map->models) names.insert(name);
        options.qemu_models = ask_qemu_models(arguments.qemu, names);
    }
    const Rendering rendering = render_policy(rulebook, policy, "libvirt", options);
    return ModelChoice{rendering.model, rendering.version};
}

ExitStatus show(const ShowArguments& arguments) {
    check_output(arguments.result.output, {arguments.policy});
    const RulebookChoice rulebook(arguments.rulebook);
    const PoolPolicy policy = read_bound(arguments.policy, rulebook.get());
    GuestCpu guest = guest_cpu_of(rulebook.get(), policy);
    guest.qemu = qemu_choice(arguments, rulebook.get(), policy);
    guest.libvirt = libvirt_choice(arguments, rulebook.get(), policy);
    emit(
        arguments.result, [&] { return to_json(rulebook.get(), policy, guest, arguments.names); },
        [&](Page& page) { show_text(rulebook.get(), policy, guest, arguments.names, page); });
    return ExitStatus::done;
}

}  // namespace

void add_show_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<ShowArguments>();
    verb.add_option("POLICY", arguments->policy, "The policy, or - for stdin")->required();
    verb.add_option(
            "--names", arguments->names,
            "Whose names features go by: " + joined({tongues.begin(), tongues.end()}) + "; the first is the default")
        ->check(one_of({tongues.begin(), tongues.end()}))
        ->type_name("PROJECT");
    verb.add_option("--qemu", arguments->qemu, "Ask this QEMU which of its CPU models is nearest")->type_name("PATH");
    verb.add_option("--cpu-map", arguments->cpu_map, "Say which of the models in libvirt's cpu_map is nearest")
        ->type_name("DIR");
    add_result_options(verb, arguments->result);
    add_rulebook_option(verb, arguments->rulebook);
    verb.footer(
        "What the guest gets: its level of the x86-64 psABI, every feature by name,\n"
        "what is announced to it, limits and MSRs.\n\n"
        "Examples:\n"
        "  poolcpuid show pool.json\n"
        "  poolcpuid show pool.json --names linux --format json | jq -r '.features[]'\n"
        "  poolcpuid show pool.json --qemu /usr/bin/qemu-system-x86_64");
    verb.callback([&action, arguments] { action = [arguments] { return show(*arguments); }; });
}

}  // namespace poolcpuid::cli
