// Any bytes as the files of a cpu_map: refused, or a map with which a policy can be rendered.
//
// A file a section, named as in the directory.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "example_files.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/render.hpp"
#include "render/cpu_map.hpp"
#include "require.hpp"
#include "sections.hpp"

using namespace poolcpuid;
using fuzz::require;

namespace {

std::string bytes_of(const fuzz::Sections& sections, const std::string& name) {
    for (const fuzz::Section& file : sections.files) {
        if (file.name == name) return std::string(file.bytes);
    }
    throw InputError(name, 0, "a file", "none");
}

void check_map(const CpuMap& map) {
    require(!map.features.empty() && !map.models.empty(), "a map has features and models");
    for (const auto& [name, model] : map.models) {
        require(model.name == name, "a model has its name");
        for (const std::string& feature : model.features) {
            require(map.features.contains(feature), "what a model has is a feature of the map");
        }
    }
}

void render_with(const PoolPolicy& policy, const RenderOptions& options) {
    try {
        const Rendering rendering = render_policy(builtin_rulebook(), policy, "libvirt", options);
        require(rendering.output.ends_with("</cpu>\n"), "the element has its end");
        require(to_json(policy, builtin_rulebook(), rendering).ends_with('\n'), "a document is whole lines");
    } catch (const UsageError&) {  // no model for the policy's vendor
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const PoolPolicy policy = fuzz::example_policy();
    const fuzz::Sections sections = fuzz::sections_of({reinterpret_cast<const char*>(data), size});
    RenderOptions options;
    try {
        options.cpu_map = render::cpu_map_of("map", [&](const std::string& name) { return bytes_of(sections, name); });
    } catch (const InputError&) {
        return 0;
    }
    check_map(*options.cpu_map);
    render_with(policy, options);
    options.base = options.cpu_map->models.begin()->first;
    render_with(policy, options);
    return 0;
}
