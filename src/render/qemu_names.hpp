// Which property names the QEMU that is rendered for knows.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "poolcpuid/vmm_version.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

class QemuNames {
public:
    // facts: nothing for any version that is known. All must outlive this. Throws UsageError for a version
    // that was not asked and is older than those that are known.
    QemuNames(const Rulebook& rulebook, const QemuData& data, const std::optional<QemuFacts>& facts);

    // True when the QEMU takes the property; remembers how new a QEMU has to be for it.
    bool takes(std::string_view name);

    // Whether the QEMU has the property.
    Knows knows(std::string_view name) const;

    // True when the oldest release that is known has the property.
    bool has_always(std::string_view name) const;

    // One sentence, or two: why it does not take the name, which is empty when QEMU has none.
    std::string why_not(std::string_view name) const;

    // "QEMU 7.2.22, asked PATH", "QEMU 9.0, not asked", "QEMU 9.2 or later".
    std::string version() const;

    // The oldest QEMU that is known to take every name so far, where that is newer than all known ones.
    const std::optional<VmmVersion>& needed() const noexcept { return needed_; }

    bool is_asked() const noexcept { return facts_ != nullptr && !facts_->program.empty(); }
    // The version that is rendered for, or nothing for any.
    std::optional<VmmVersion> release() const;

private:
    const DroppedProperty* drop_of(std::string_view name) const;

    VmmVersion oldest_;
    const std::vector<DroppedProperty>& drops_;
    std::map<std::string_view, NameAge> ages_;  // names without one are the oldest release's
    const QemuFacts* facts_ = nullptr;
    std::optional<VmmVersion> needed_;
};

// A sentence or two for each of these properties that some release drops, where nobody knows which QEMU it will be.
std::vector<std::string> notes_on_drops(const QemuData& data, const std::set<std::string>& properties);

}  // namespace poolcpuid::render
