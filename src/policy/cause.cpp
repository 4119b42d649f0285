// The words for causes and remarks, as policy documents have them.
#include <array>
#include <initializer_list>
#include <utility>

#include "poolcpuid/policy.hpp"

namespace poolcpuid {

namespace {

constexpr std::array<std::pair<Cause, std::string_view>, 17> cause_words{{
    {Cause::agreement, "agreement"},
    {Cause::hosts, "hosts"},
    {Cause::layout, "layout"},
    {Cause::group, "group"},
    {Cause::dependency, "dependency"},
    {Cause::xsave_state, "xsave-state"},
    {Cause::equality, "equality"},
    {Cause::gate, "gate"},
    {Cause::duty, "duty"},
    {Cause::ceiling, "ceiling"},
    {Cause::hidden, "hidden"},
    {Cause::set, "set"},
    {Cause::not_asked, "not-asked"},
    {Cause::derived, "derived"},
    {Cause::identity, "identity"},
    {Cause::owned, "owned"},
    {Cause::never, "never-shown"},
}};

}  // namespace

std::string_view to_string(Cause cause) noexcept {
    for (const auto& [known, word] : cause_words) {
        if (known == cause) return word;
    }
    return "";
}

std::optional<Cause> cause_named(std::string_view name) noexcept {
    for (const auto& [cause, word] : cause_words) {
        if (word == name) return cause;
    }
    return std::nullopt;
}

bool is_consequence(Cause cause) noexcept {
    return cause == Cause::group || cause == Cause::dependency || cause == Cause::xsave_state ||
           cause == Cause::equality || cause == Cause::gate || cause == Cause::duty;
}

std::string_view to_string(Remark::Kind kind) noexcept {
    switch (kind) {
        case Remark::Kind::modelled: return "modelled";
        case Remark::Kind::implied: return "implied";
        case Remark::Kind::withheld: break;
    }
    return "withheld";
}

std::optional<Remark::Kind> remark_kind_named(std::string_view name) noexcept {
    for (const Remark::Kind kind : {Remark::Kind::modelled, Remark::Kind::implied, Remark::Kind::withheld}) {
        if (to_string(kind) == name) return kind;
    }
    return std::nullopt;
}

}  // namespace poolcpuid
