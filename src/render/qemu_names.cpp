#include "render/qemu_names.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::render {

QemuNames::QemuNames(const Rulebook& rulebook, const QemuData& data, const std::optional<QemuFacts>& facts)
    : oldest_(data.oldest), drops_(data.drops), facts_(facts ? &*facts : nullptr) {
    for (const Field& field : rulebook.fields) {
        if (!field.names.qemu.empty()) ages_.emplace(field.names.qemu, field.names.qemu_age);
    }
    for (const NumberProperty& number : data.numbers) {
        if (number.age) ages_.emplace(number.name, *number.age);
    }
    for (const LeafSwitch& entry : data.switches) {
        if (entry.age) ages_.emplace(entry.name, *entry.age);
    }
    if (facts_ != nullptr && !is_asked() && facts_->version < oldest_) {
        throw UsageError("the names of QEMU " + to_string(facts_->version) + " are not known here, only those from " +
                         to_string(oldest_) + " on: give the program itself with --qemu PATH");
    }
}

std::optional<VmmVersion> QemuNames::release() const {
    if (facts_ == nullptr) return std::nullopt;
    return facts_->version;
}

Knows QemuNames::knows(std::string_view name) const {
    if (facts_ == nullptr) return Knows::yes;
    if (!is_asked()) {
        const auto age = ages_.find(name);
        const Knows knows = age == ages_.end() ? Knows::yes : age->second.known_to(facts_->version);
        return knows == Knows::yes && drop_of(name) != nullptr ? Knows::perhaps : knows;
    }
    const std::string text(name);
    return facts_->flags.contains(text) || facts_->numbers.contains(text) ? Knows::yes : Knows::no;
}

// Of a release that was not asked: what some of its patch levels drop.
const DroppedProperty* QemuNames::drop_of(std::string_view name) const {
    const auto at = std::find_if(drops_.begin(), drops_.end(), [&](const DroppedProperty& entry) {
        return entry.name == name && entry.releases.has(facts_->version);
    });
    return at == drops_.end() ? nullptr : &*at;
}

bool QemuNames::takes(std::string_view name) {
    if (name.empty() || knows(name) != Knows::yes) return false;
    const auto age = ages_.find(name);
    if (age != ages_.end() && age->second.since > needed_.value_or(oldest_)) needed_ = age->second.since;
    return true;
}

bool QemuNames::has_always(std::string_view name) const {
    const auto age = ages_.find(name);
    return age == ages_.end() || age->second.since <= oldest_;
}

std::string QemuNames::why_not(std::string_view name) const {
    if (name.empty()) return "QEMU has no name for it.";
    const std::string release = "QEMU " + to_string(facts_ == nullptr ? VmmVersion{} : facts_->version);
    if (knows(name) == Knows::no) return release + " has no name for it.";
    if (facts_ != nullptr && !is_asked()) {
        if (const DroppedProperty* drop = drop_of(name)) return drop->why + " Ask that QEMU.";
    }
    return "It is not known here whether " + release + " has a name for it: ask that QEMU.";
}

std::string QemuNames::version() const {
    if (is_asked()) return "QEMU " + facts_->full_version + ", asked " + printable(facts_->program);
    if (facts_ != nullptr) return "QEMU " + to_string(facts_->version) + ", not asked";
    return "QEMU " + to_string(needed_.value_or(oldest_)) + " or later, not asked";
}

std::vector<std::string> notes_on_drops(const QemuData& data, const std::set<std::string>& properties) {
    std::vector<std::string> notes;
    for (const DroppedProperty& entry : data.drops) {
        if (!properties.contains(entry.name)) continue;
        notes.push_back("Of " + entry.name + ": " + entry.why +
                        " A guest that asks for it does not start there; give the hosts' QEMU with --qemu PATH.");
    }
    return notes;
}

}  // namespace poolcpuid::render
