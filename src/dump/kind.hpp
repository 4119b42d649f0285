// A kind of data that is no dump, as its refusal names it.
#pragma once

#include <string>
#include <string_view>

namespace poolcpuid::dump {

// How a kind of file begins, or a word in it that other kinds do not have; what it is; and what to do instead.
struct Kind {
    std::string_view mark;
    std::string_view what;
    std::string_view remedy{};
};

inline constexpr std::string_view dump_the_host = "run `poolcpuid capture` or `cpuid -r` on that host";

// "a zip archive (unpack it first)"
inline std::string text_of(const Kind& kind) {
    std::string text(kind.what);
    if (!kind.remedy.empty()) (((text += " (") += kind.remedy) += ")");
    return text;
}

}  // namespace poolcpuid::dump
