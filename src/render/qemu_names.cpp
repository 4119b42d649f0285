#include "render/qemu_names.hpp"

#include <algorithm>

#include "poolcpuid/error.hpp"
#include "text/printable.hpp"

namespace poolcpuid::render {

QemuNames::QemuNames(const QemuData& data, const std::optional<QemuFacts>& facts)
    : data_(data), facts_(facts ? &*facts : nullptr) {
    if (facts_ != nullptr && !is_asked() && facts_->version < data.oldest()) {
        throw UsageError("the names of QEMU " + to_string(facts_->version) + " are not known here, only those from " +
                         to_string(data.oldest()) + " on: give the program itself with --qemu PATH");
    }
}

std::optional<VmmVersion> QemuNames::release() const {
    if (facts_ == nullptr) return std::nullopt;
    return facts_->version;
}

Knows QemuNames::knows(std::string_view name) const {
    if (facts_ == nullptr) return Knows::yes;
    if (!is_asked()) return data_.knows(facts_->version, name);
    const std::string text(name);
    return facts_->flags.contains(text) || facts_->numbers.contains(text) ? Knows::yes : Knows::no;
}

bool QemuNames::takes(std::string_view name) {
    if (name.empty() || knows(name) != Knows::yes) return false;
    const auto age = data_.age_of(name);
    if (age && (!needed_ || *needed_ < age->by)) needed_ = age->by;
    return true;
}

std::string QemuNames::why_not(std::string_view name) const {
    if (name.empty()) return "QEMU has no name for it.";
    const std::string release = "QEMU " + to_string(facts_ == nullptr ? VmmVersion{} : facts_->version);
    if (knows(name) == Knows::no) return release + " has no name for it.";
    return "It is not known here whether " + release + " has a name for it: ask that QEMU.";
}

std::string QemuNames::version() const {
    if (is_asked()) return "QEMU " + facts_->full_version + ", asked " + printable(facts_->program);
    if (facts_ != nullptr) return "QEMU " + to_string(facts_->version) + ", not asked";
    return "QEMU " + to_string(needed_.value_or(data_.oldest())) + " or later, not asked";
}

}  // namespace poolcpuid::render
