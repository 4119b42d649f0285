// Any bytes as the lines of a QEMU's answers: refused, or facts with which a policy can be rendered.
//
// The first line is the CPU model that is asked for; each other line is an answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "example_files.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/render.hpp"
#include "render/qmp.hpp"
#include "require.hpp"

using namespace poolcpuid;
using fuzz::require;

namespace {

// A program that says one line after another and ends, whatever it is asked.
class Recording {
public:
    explicit Recording(std::string_view lines) : rest_(lines) {}

    render::QmpLines lines() {
        return {[](std::string_view line) { require(line.ends_with('\n'), "what is asked is a line"); },
                [this] { return next(); }};
    }

private:
    std::string next() {
        if (rest_.empty())
            throw InputError("qemu", 0, "the answers of a QEMU for x86-64", "a program that ends without");
        const std::string line(rest_.substr(0, rest_.find('\n')));
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        return line;
    }

    std::string_view rest_;
};

void render_with(const PoolPolicy& policy, std::string_view target, const RenderOptions& options) {
    try {
        const Rendering rendering = render_policy(builtin_rulebook(), policy, target, options);
        require(rendering.output.ends_with('\n'), "a rendering is whole lines");
        require(to_json(policy, builtin_rulebook(), rendering).ends_with('\n'), "a document is whole lines");
    } catch (const UsageError&) {  // no such model
    }
}

void ask_facts(std::string_view lines, const std::string& model, const PoolPolicy& policy) {
    static const std::set<std::string> wanted = qemu_properties(builtin_rulebook(), policy, QemuAccelerator::kvm);
    Recording recording(lines);
    RenderOptions options;
    options.qemu = render::facts_over(recording.lines(), "qemu", model, wanted);
    require(!options.qemu->full_version.empty(), "a QEMU has a version");
    if (model != plainest_qemu_model) options.base = model;
    render_with(policy, "qemu", options);
}

void ask_models(std::string_view lines, const std::string& model, const PoolPolicy& policy) {
    Recording recording(lines);
    RenderOptions options;
    options.qemu_models = render::models_over(recording.lines(), "qemu", {model, "qemu64"});
    options.cpu_map.emplace();
    for (const char* name : {"lm", "nx"}) options.cpu_map->features[name];
    for (const std::string& name : {model, std::string("qemu64")}) {
        CpuMapModel& entry = options.cpu_map->models[name];
        entry.name = name;
        entry.features = {"lm", "nx"};
    }
    render_with(policy, "libvirt", options);
}

template <typename Question>
void unless_refused(const Question& question) {
    try {
        question();
    } catch (const InputError& error) {
        require(error.file() == "qemu" && !error.expected().empty(), "a refusal says whose answer was none");
    } catch (const UsageError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const PoolPolicy policy = fuzz::example_policy();
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string model(input.substr(0, input.find('\n')));
    const std::string_view lines = input.substr(std::min(model.size() + 1, input.size()));
    unless_refused([&] { ask_facts(lines, model, policy); });
    unless_refused([&] { ask_models(lines, model, policy); });
    return 0;
}
